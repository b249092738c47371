//! Large images by overlapping tiles.

use crate::denoiser::Denoiser;
use crate::error::{Error, require, require_len};
use core::ops::Range;

/// Overlapping tiles of an image, and how their denoised images are blended.
///
/// A denoiser of tiles is one of the whole image as far as it looks: what is further away than the overlap does not reach
/// a pixel. The noise of a walk is drawn for the whole image, so tiles agree where they overlap. The first tile stands at
/// the image's corner, the next ones `tile - overlap` further, and the last ones at its other end: all of them lie inside.
/// Between two of them the weight goes over in the middle of their overlap, smoothly (3t² − 2t³), and leaves out a margin
/// at each tile's border, where a network sees a border that is none. The weights of a pixel sum to 1.
///
/// Networks that halve the image several times see a grid: tiles whose sides, less the overlap, are multiples of its
/// cells (`rwt.multiple` of a model file) agree best with the whole image.
///
/// ```
/// use rwt_core::{Denoiser, Gaussian, Tiles};
///
/// let tiles = Tiles::new([1, 40, 30], [16, 16], 8)?;
/// let (mean, variance) = ([0.5; 256], [0.25; 256]); // a denoiser of 1 × 16 × 16
/// let mut prior = Gaussian::new(&mean, &variance)?;
/// let mut workspace = vec![0.0; tiles.workspace_len(1)];
/// let mut tiled = |x: &[f32], sigma: f64, denoised: &mut [f32]| {
///     tiles.denoise(&mut prior, x, sigma, denoised, &mut workspace)
/// };
/// let mut denoised = vec![0.0; 40 * 30];
/// tiled.denoise(&[1.5; 40 * 30], 0.5, &mut denoised)?;
/// assert!(denoised.iter().all(|d| (d - 1.0).abs() < 1e-6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    channels: usize,
    rows: Axis,
    columns: Axis,
}

/// Why an image was not denoised by tiles. `E` is the denoiser's own error.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TileError<E> {
    /// An array has another length than it must have.
    #[error(transparent)]
    Plan(#[from] Error),
    /// The denoiser failed at a tile.
    #[error("the denoiser failed at the tile at row {row}, column {column}")]
    Denoiser {
        /// The tile's first row in the image.
        row: usize,
        /// The tile's first column in the image.
        column: usize,
        /// The denoiser's own error.
        error: E,
    },
}

impl Tiles {
    /// Tiles of an image \[channels, height, width\]: their height and width, and by how much they overlap at least. A tile
    /// is no larger than the image. A quarter of the overlap is left out at each border ([`Tiles::with_margin`]).
    ///
    /// # Errors
    /// [`Error::Parameter`] if a size is 0, the image has too many elements, or the overlap is above half a tile.
    pub fn new([channels, height, width]: [usize; 3], tile: [usize; 2], overlap: usize) -> Result<Self, Error> {
        let elements = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
        let found = channels as f64 * height as f64 * width as f64;
        require(elements.is_some_and(|n| n > 0), "the elements of an image", "at least 1, and countable", found)?;
        let side = tile[0].min(tile[1]);
        require(side > 0, "the side of a tile", "at least 1", side as f64)?;
        require(overlap <= side / 2, "overlap", "at most half the side of a tile", overlap as f64)?;
        let axis = |length, tile: usize| Axis { length, tile: tile.min(length), overlap, margin: overlap / 4 };
        Ok(Self { channels, rows: axis(height, tile[0]), columns: axis(width, tile[1]) })
    }

    /// Leave out `margin` pixels at each border between tiles. If the denoiser reaches no further, the result is that of the
    /// whole image. Half the overlap leaves no room to blend in.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it is above half the overlap.
    pub fn with_margin(mut self, margin: usize) -> Result<Self, Error> {
        require(margin <= self.rows.overlap / 2, "margin", "at most half the overlap", margin as f64)?;
        (self.rows.margin, self.columns.margin) = (margin, margin);
        Ok(self)
    }

    /// \[channels, height, width\] of each tile.
    pub fn tile_shape(&self) -> [usize; 3] {
        [self.channels, self.rows.tile, self.columns.tile]
    }

    /// How many tiles an image has.
    pub fn count(&self) -> usize {
        self.rows.count() * self.columns.count()
    }

    /// f32 elements of workspace for images side by side: for each a tile and a denoised tile.
    pub fn workspace_len(&self, images: usize) -> usize {
        (2 * self.tile_len()).saturating_mul(images)
    }

    /// Write D(x, sigma) of one image or several, one after another, by tiles. `denoiser` is called once a tile, with that
    /// tile of each image in turn; `workspace` has [`Tiles::workspace_len`] elements, whatever they hold.
    ///
    /// # Errors
    /// [`TileError::Plan`] for wrong lengths; the denoiser's own.
    pub fn denoise<D: Denoiser>(
        &self,
        denoiser: &mut D,
        x: &[f32],
        sigma: f64,
        denoised: &mut [f32],
        workspace: &mut [f32],
    ) -> Result<(), TileError<D::Error>> {
        let image = self.channels * self.rows.length * self.columns.length;
        require_len("x (whole images)", (x.len() / image).max(1) * image, x.len())?;
        require_len("denoised", x.len(), denoised.len())?;
        let needed = self.workspace_len(x.len() / image);
        require_len("workspace", needed, workspace.len())?;
        let (tiles, outputs) = workspace.split_at_mut(needed / 2);
        denoised.fill(0.0);
        for row in (0..self.rows.count()).map(|tile| self.rows.window(tile)) {
            for column in (0..self.columns.count()).map(|tile| self.columns.window(tile)) {
                self.cut(row.start, column.start, x, tiles);
                denoiser.denoise(tiles, sigma, outputs).map_err(|error| TileError::Denoiser {
                    row: row.start,
                    column: column.start,
                    error,
                })?;
                self.blend(&row, &column, outputs, denoised);
            }
        }
        Ok(())
    }

    fn tile_len(&self) -> usize {
        self.channels * self.rows.tile * self.columns.tile
    }

    /// Copy a tile of every plane.
    fn cut(&self, top: usize, left: usize, x: &[f32], tiles: &mut [f32]) {
        let width = self.columns.length;
        let planes = x.chunks_exact(self.rows.length * width);
        for (plane, tile) in planes.zip(tiles.chunks_exact_mut(self.rows.tile * self.columns.tile)) {
            for (from, to) in plane.chunks_exact(width).skip(top).zip(tile.chunks_exact_mut(self.columns.tile)) {
                to.copy_from_slice(&from[left..left + to.len()]);
            }
        }
    }

    /// Add a tile of every plane with its weights.
    fn blend(&self, row: &Window, column: &Window, tiles: &[f32], denoised: &mut [f32]) {
        let width = self.columns.length;
        let planes = denoised.chunks_exact_mut(self.rows.length * width);
        for (plane, tile) in planes.zip(tiles.chunks_exact(self.rows.tile * self.columns.tile)) {
            for y in row.kept() {
                let (from, to) = (&tile[(y - row.start) * self.columns.tile..], &mut plane[y * width..]);
                let weight = row.weight(y);
                for x in column.kept() {
                    to[x] += (weight * column.weight(x)) as f32 * from[x - column.start];
                }
            }
        }
    }
}

/// Tiles along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    length: usize,
    tile: usize,
    overlap: usize,
    margin: usize,
}

impl Axis {
    fn count(&self) -> usize {
        if self.tile == self.length { 1 } else { (self.length - self.overlap).div_ceil(self.tile - self.overlap) }
    }

    fn start(&self, tile: usize) -> usize {
        if tile == 0 { 0 } else { (tile * (self.tile - self.overlap)).min(self.length - self.tile) }
    }

    /// Where a tile takes over from the one before it: the middle of their overlap.
    fn border(&self, tile: usize) -> f64 {
        match tile {
            0 => f64::NEG_INFINITY,
            tile if tile == self.count() => f64::INFINITY,
            tile => (self.start(tile - 1) + self.tile + self.start(tile)) as f64 / 2.0,
        }
    }

    fn window(&self, tile: usize) -> Window {
        let start = self.start(tile);
        Window {
            start,
            end: start + self.tile,
            borders: [self.border(tile), self.border(tile + 1)],
            reach: self.overlap as f64 / 2.0 - self.margin as f64,
        }
    }
}

/// A tile along one axis.
struct Window {
    start: usize,
    end: usize,
    /// Where it takes over, and where the next one does.
    borders: [f64; 2],
    /// Half the width over which two tiles are blended.
    reach: f64,
}

impl Window {
    /// The weight at a pixel: how much belongs to this tile and those after it, less what belongs to those after it. So the
    /// weights of all tiles sum to 1, even where three of them meet.
    fn weight(&self, place: usize) -> f64 {
        let [from, until] = self.borders.map(|border| smooth_step(place as f64 + 0.5 - border, self.reach));
        from - until
    }

    /// The pixels at which there is a weight.
    fn kept(&self) -> Range<usize> {
        let (from, until) = (self.borders[0] - self.reach, libm::ceil(self.borders[1] + self.reach));
        self.start.max(from as usize)..self.end.min(until as usize)
    }
}

/// From 0 at -reach to 1 at reach.
fn smooth_step(distance: f64, reach: f64) -> f64 {
    if distance >= reach {
        return 1.0;
    }
    if distance <= -reach {
        return 0.0;
    }
    let t = (distance / reach + 1.0) / 2.0;
    t * t * (3.0 - 2.0 * t)
}
