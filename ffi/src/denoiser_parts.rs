//! Denoisers of parts of an image: its tiles, or the slices of a volume.

use crate::denoiser::{Kind, Shared, rwt_denoiser};
use crate::evaluator::Evaluator;
use crate::status::{Failure, guard, rwt_status, zeros};
use rwt_core::{Denoiser, TileError, Tiles};
use std::sync::Arc;

/// How an image is cut.
#[derive(Clone, Copy)]
pub(crate) struct TileSize {
    tile: [usize; 2],
    overlap: usize,
}

impl TileSize {
    pub fn tiles(self, shape: [usize; 3]) -> Result<Tiles, Failure> {
        Ok(Tiles::new(shape, self.tile, self.overlap)?)
    }
}

/// Evaluates tile by tile.
pub(crate) struct TiledEvaluator<'a> {
    pub inner: Evaluator<'a>,
    pub tiles: Tiles,
    workspace: Vec<f32>,
}

impl<'a> TiledEvaluator<'a> {
    pub fn new(inner: Evaluator<'a>, tiles: Tiles) -> Self {
        Self { inner, tiles, workspace: Vec::new() }
    }

    /// Get ready for this many images.
    pub fn prepare(&mut self, images: usize) -> Result<(), Failure> {
        self.workspace = zeros(self.tiles.workspace_len(images))?;
        Ok(())
    }

    pub fn denoise(&mut self, x: &[f32], images: usize, sigma: f64, denoised: &mut [f32]) -> Result<(), String> {
        let needed = self.tiles.workspace_len(images);
        let found = self.workspace.len();
        let room = self.workspace.get_mut(..needed);
        let room = room.ok_or_else(|| format!("expected room for {needed} elements of tiles, found {found}"))?;
        self.tiles.denoise(&mut Lent(&mut self.inner), x, sigma, denoised, room).map_err(|error| match error {
            TileError::Denoiser { row, column, error } => format!("{error} (tile at row {row}, column {column})"),
            error => error.to_string(),
        })
    }
}

/// An evaluator lent to a walker or to tiles.
pub(crate) struct Lent<'a, 'b>(pub &'a mut Evaluator<'b>);

impl Denoiser for Lent<'_, '_> {
    type Error = String;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), String> {
        self.0.denoise(x, sigma, denoised)
    }
}

/// How many slices of the denoiser's own channels an image has.
pub(crate) fn depth(inner: &Shared, channels: usize) -> Result<usize, Failure> {
    let of = inner.info.channels;
    if of == 0 || channels == 0 || !channels.is_multiple_of(of) {
        let text =
            format!("a volume must have depth x {of} channels, as the denoiser knows slices of {of}; found {channels}");
        return Err(Failure::argument(text));
    }
    Ok(channels / of)
}

/// A denoiser of large images that shows the given one overlapping tiles of tile_height x tile_width, or of the image where
/// that is smaller. At a border between tiles the outer quarter of the overlap (in pixels, at most half a tile's side) is left
/// out and the rest is blended. 32 to 64 suit the shipped model; 0 makes seams. Tiles agree best with the whole image if
/// their sides, less the overlap, are multiples of the network's cells (rwt.multiple of its file). All tiles of a chain are
/// shown in the same symmetry. An evaluation takes the memory of one tile for each chain side by side; to progress and
/// cancelling all tiles are one evaluation. The given denoiser stays as it is; each is freed by itself. RWT_ERR_ARGUMENT
/// if it is tiled already.
///
/// # Safety
/// `denoiser` is a live handle; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_tiled(
    denoiser: *const rwt_denoiser,
    tile_height: usize,
    tile_width: usize,
    overlap: usize,
    out: *mut *mut rwt_denoiser,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe {
        wrap(denoiser, out, |inner| {
            if inner.is_tiled() {
                return Err(Failure::argument("the denoiser is tiled already"));
            }
            let size = TileSize { tile: [tile_height, tile_width], overlap };
            size.tiles([1; 3])?; // its sizes are right
            Ok(Shared { info: inner.info, engine: inner.engine.clone(), kind: Kind::Tiled(inner, size) })
        })
    }
}

/// A denoiser of volumes that shows the given one slice by slice. A volume of depth d is an image of d x channels planes,
/// slice after slice, where channels are the given denoiser's own; its info says 0 channels, as any depth is right. All
/// slices of a chain are shown in the same symmetry. The prior of slices is one for each: what they have in common is for
/// the measurement to say. Tiles of slices are the same as slices of tiles. The given denoiser stays as it is; each is freed by
/// itself. RWT_ERR_ARGUMENT if it is slicewise already, or does not say how many channels it knows.
///
/// # Safety
/// `denoiser` is a live handle; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_slicewise(
    denoiser: *const rwt_denoiser,
    out: *mut *mut rwt_denoiser,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe {
        wrap(denoiser, out, |inner| {
            if inner.is_slicewise() {
                return Err(Failure::argument("the denoiser is slicewise already"));
            }
            if inner.info.channels == 0 {
                return Err(Failure::argument(
                    "the denoiser must say how many channels a slice has: set info.channels",
                ));
            }
            let mut info = inner.info;
            info.channels = 0;
            Ok(Shared { info, engine: inner.engine.clone(), kind: Kind::Slicewise(inner) })
        })
    }
}

/// Make a denoiser of another one.
///
/// # Safety
/// `denoiser` is NULL or a live handle; `out` is NULL or points to a pointer.
unsafe fn wrap(
    denoiser: *const rwt_denoiser,
    out: *mut *mut rwt_denoiser,
    make: impl FnOnce(Arc<Shared>) -> Result<Shared, Failure>,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle, the caller's word.
        let denoiser = unsafe { denoiser.as_ref() }.ok_or_else(|| Failure::null("denoiser"))?;
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let made = make(denoiser.shared.clone())?;
        // SAFETY: not NULL, the caller's word.
        unsafe { made.hand_over(out) };
        Ok(())
    })
}

impl Shared {
    fn is_tiled(&self) -> bool {
        match &self.kind {
            Kind::Tiled(..) => true,
            Kind::Slicewise(inner) => inner.is_tiled(),
            _ => false,
        }
    }

    fn is_slicewise(&self) -> bool {
        match &self.kind {
            Kind::Slicewise(_) => true,
            Kind::Tiled(inner, _) => inner.is_slicewise(),
            _ => false,
        }
    }
}

#[cfg(all(test, feature = "onnx"))]
mod tests {
    use super::*;
    use crate::denoiser::{rwt_denoiser_free, rwt_denoiser_open};
    use rwt_core::Chain;
    use std::ptr;

    #[test]
    fn equal_slices_and_tiles_of_a_chain_are_shown_alike() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/models/rwt-leaves-rgb.onnx\0");
        let (mut model, mut slices, mut tiled) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: a string that ends with 0, live handles, places for handles.
        let shared = unsafe {
            assert_eq!(rwt_denoiser_open(path.as_ptr().cast(), &raw mut model), 0);
            assert_eq!(rwt_denoiser_slicewise(model, &raw mut slices), 0);
            assert_eq!(rwt_denoiser_tiled(slices, 16, 16, 0, &raw mut tiled), 0);
            (*tiled).shared.clone()
        };
        // two chains of two slices of two tiles, all the same
        let n = 3 * 16 * 16;
        let tile = |i: usize| (i % 9) as f32 / 9.0 - 0.5;
        let x: Vec<_> = (0..8 * n).map(|i| tile(i / 32 * 16 + i % 16)).collect();
        let x: Vec<_> = (0..8 * n).map(|i| x[i % (2 * n)]).collect();
        let mut denoised = vec![0.0; 8 * n];
        let mut evaluator = shared.evaluator([6, 16, 32]).unwrap();
        evaluator.prepare(2, 4).unwrap();
        evaluator.begin(Chain { seed: 1, chain: 0 });
        evaluator.denoise(&x, 0.5, &mut denoised).unwrap();
        let part = |chain: usize, slice: usize, tile: usize| -> Vec<f32> {
            let from = (2 * chain + slice) * 2 * n + 16 * tile;
            (0..n).map(|i| denoised[from + i / 16 * 32 + i % 16]).collect()
        };
        for chain in 0..2 {
            assert_eq!(part(chain, 0, 0), part(chain, 1, 0), "slices of chain {chain}");
            assert_eq!(part(chain, 0, 0), part(chain, 0, 1), "tiles of chain {chain}");
        }
        assert_ne!(part(0, 0, 0), part(1, 0, 0), "chains differ");
        for handle in [model, slices, tiled] {
            // SAFETY: live handles, freed once.
            unsafe { rwt_denoiser_free(handle) };
        }
    }
}
