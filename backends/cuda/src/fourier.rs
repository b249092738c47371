//! Operators that are diagonal in Fourier space.

use crate::condition::{Condition, Place};
use crate::device::Device;
use crate::error::Error;
use crate::kernel::arguments;
use crate::kernels::{STEP_THREADS, THREADS, blocks_of};
use crate::spectrum::{Planes, Spectral};
use crate::{array::Array, chains::require};

/// A periodic blur, y = k ∗ x + η n, as [`DeviceFourier::blur`] has it, or undersampled Fourier coefficients.
#[derive(Debug)]
pub struct DeviceFourier {
    spectral: Spectral,
    /// Real planes, or one complex plane in two channels.
    channels: usize,
    is_complex: bool,
    eta: f64,
    /// The spectrum of A, a plane.
    h: Planes,
    /// The measurement in Fourier space, of a picture.
    y: Planes,
    room: Option<Room>,
}

/// What a walk of so many chains needs beside its own arrays.
#[derive(Debug)]
struct Room {
    /// A transform, and half of one.
    a: Planes,
    half: Planes,
    residual: Planes,
    /// The transform of a noise.
    noise: Planes,
    v: Array<f32>,
    w: Array<f32>,
    n2: Array<f32>,
}

impl DeviceFourier {
    /// A convolution of every channel by a kernel of odd height and width, periodic, whose middle is the pixel itself. `shape` is
    /// \[channels, height, width\], `y` has that of the image.
    ///
    /// # Errors
    /// [`Error::Plan`] for an empty image, a size of the kernel that is even or above the image's, or an η that is not
    /// positive; [`Error::Length`]; [`Error::OutOfMemory`].
    pub fn blur(
        device: &Device,
        shape: [usize; 3],
        kernel: &[f32],
        kernel_size: [usize; 2],
        y: &[f32],
        eta: f64,
    ) -> Result<Self, Error> {
        let [channels, height, width] = shape;
        for (size, limit) in kernel_size.into_iter().zip([height, width]) {
            let fits = size % 2 == 1 && size <= limit;
            require(fits, "height and width of the kernel", "odd, at most the image's", size)?;
        }
        check_len("kernel", kernel_size[0] * kernel_size[1], kernel)?;
        let spectral = Spectral::new(device, height, width)?;
        let mut spread = vec![0.0; spectral.plane()];
        let scale = f64::sqrt(spectral.plane() as f64); // the transform is unitary, a convolution is not
        for (index, &weight) in kernel.iter().enumerate() {
            let row = (index / kernel_size[1] + height - kernel_size[0] / 2) % height;
            let column = (index % kernel_size[1] + width - kernel_size[1] / 2) % width;
            spread[row * width + column] += (scale * f64::from(weight)) as f32;
        }
        let h = spectral.transform(device, &spread)?;
        check_len("y", channels * spectral.plane(), y)?;
        let y = spectral.transform(device, y)?;
        Self::new(spectral, channels, false, eta, h, y)
    }

    /// Unitary Fourier coefficients of a complex picture \[2, height, width\] where `mask` is not 0; `y` has its layout and may
    /// hold anything elsewhere. A noise of standard deviation η is meant on the real and on the imaginary part each.
    ///
    /// # Errors
    /// As [`DeviceFourier::blur`].
    pub fn undersampled(
        device: &Device,
        height: usize,
        width: usize,
        mask: &[u8],
        y: &[f32],
        eta: f64,
    ) -> Result<Self, Error> {
        let spectral = Spectral::new(device, height, width)?;
        let n = spectral.plane();
        if mask.len() != n {
            return Err(Error::Length { name: "mask", expected: n, found: mask.len() });
        }
        let measured = |part: &[f32]| -> Vec<f32> {
            part.iter().zip(mask).map(|(y, keep)| if *keep == 0 { 0.0 } else { *y }).collect()
        };
        if y.len() != 2 * n {
            return Err(Error::Length { name: "y", expected: 2 * n, found: y.len() });
        }
        let (re, im) = (measured(&y[..n]), measured(&y[n..]));
        finite("y", &re)?;
        finite("y", &im)?;
        let h: Vec<f32> = mask.iter().map(|keep| f32::from(u8::from(*keep != 0))).collect();
        let h = Planes { re: Array::from_host(device, &h)?, im: Array::zeros(device, n)? };
        let y = Planes { re: Array::from_host(device, &re)?, im: Array::from_host(device, &im)? };
        Self::new(spectral, 2, true, eta, h, y)
    }

    fn new(
        spectral: Spectral,
        channels: usize,
        is_complex: bool,
        eta: f64,
        h: Planes,
        y: Planes,
    ) -> Result<Self, Error> {
        if !(eta > 0.0 && eta.is_finite()) {
            let expected = "finite and above 0";
            return Err(rwt_core::Error::Parameter { name: "eta", expected, found: eta }.into());
        }
        Ok(Self { spectral, channels, is_complex, eta, h, y, room: None })
    }

    fn room(&self) -> Result<&Room, Error> {
        self.room.as_ref().ok_or(Error::Length { name: "a walk's room", expected: 1, found: 0 })
    }

    /// Complex elements of a picture.
    fn picture(&self) -> usize {
        self.y.re.len()
    }

    /// The image's planes: where the imaginary parts are, if there are any, and the gap between planes.
    fn layout(&self, image: u64) -> (u64, u64) {
        let plane = self.spectral.plane() as u64;
        if self.is_complex { (image + 4 * plane, plane) } else { (0, 0) }
    }

    /// to ← F image.
    fn forward(&self, image: u64, to: &Planes, chains: usize) -> Result<(), Error> {
        let (im, gap) = self.layout(image);
        let total = chains * self.picture();
        let half = &self.room()?.half;
        self.spectral.forward(total, [image, im], gap, half, to)
    }

    /// r ← y − A D or, with a noise, ε y − A D + √(2εT) η n; `d` is the transform of D.
    fn residual(&self, place: &Place, noise: [u64; 2], gap: u64) -> Result<(), Error> {
        let room = self.room()?;
        let (total, picture) = ((place.chains * self.picture()) as u64, self.picture() as u64);
        let (frequencies, eta, Place { levels, level, .. }) = (self.spectral.plane() as u64, self.eta, *place);
        let ([h_re, h_im], [y_re, y_im]) = (self.h.addresses(), self.y.addresses());
        let ([d_re, d_im], [r_re, r_im], [n_re, n_im]) = (room.a.addresses(), room.residual.addresses(), noise);
        let arguments = arguments![
            levels,
            level,
            eta,
            total,
            frequencies,
            picture,
            h_re,
            h_im,
            y_re,
            y_im,
            d_re,
            d_im,
            gap,
            n_re,
            n_im,
            r_re,
            r_im
        ];
        // SAFETY: rwt_fourier_residual's parameters; total elements, of y a picture's, of h a plane's.
        unsafe { self.spectral.kernels.residual.launch([blocks_of(total), 1, 1], [THREADS, 1, 1], 0, arguments) }
    }

    /// u ← F⁻¹ h̄ r/(η² + q |h|²).
    fn solve(&self, place: &Place) -> Result<(), Error> {
        let room = self.room()?;
        let total = (place.chains * self.picture()) as u64;
        let (frequencies, eta, Place { levels, level, u, .. }) = (self.spectral.plane() as u64, self.eta, *place);
        let ([h_re, h_im], [r_re, r_im], [a_re, a_im]) =
            (self.h.addresses(), room.residual.addresses(), room.a.addresses());
        let arguments = arguments![levels, level, eta, total, frequencies, h_re, h_im, r_re, r_im, a_re, a_im];
        // SAFETY: rwt_fourier_pull's parameters; lengths as above.
        unsafe { self.spectral.kernels.pull.launch([blocks_of(total), 1, 1], [THREADS, 1, 1], 0, arguments)? };
        let (im, gap) = self.layout(u);
        self.spectral.inverse(total as usize, &room.a, &room.half, [u, im], gap)
    }

    /// v, w = ε D + v and n₂ of the preconditioned walk.
    fn noise(&self, place: &Place) -> Result<(), Error> {
        let (room, n) = (self.room()?, self.image_len() as u64);
        let Place { denoised, levels, level, bad, first, .. } = *place;
        let (seed, chain) = (first.seed, first.chain);
        let (v, w, n2) = (room.v.address(), room.w.address(), room.n2.address());
        let arguments = arguments![levels, level, seed, chain, n, denoised, v, w, n2, bad];
        let grid = [n.div_ceil(16 * u64::from(STEP_THREADS)) as u32, place.chains as u32, 1];
        // SAFETY: rwt_fourier_noise's parameters; chains * n elements.
        unsafe { self.spectral.kernels.noise.launch(grid, [STEP_THREADS, 1, 1], 0, arguments) }
    }
}

impl Condition for DeviceFourier {
    fn eta(&self) -> f64 {
        self.eta
    }

    fn image_len(&self) -> usize {
        self.channels * self.spectral.plane()
    }

    fn plan(&mut self, device: &Device, chains: usize) -> Result<(), Error> {
        let (total, n) = (chains * self.picture(), chains * self.image_len());
        if self.room.as_ref().is_some_and(|room| room.a.re.len() == total) {
            return Ok(());
        }
        let planes = || Planes::zeros(device, total);
        let image = || Array::zeros(device, n);
        self.room = Some(Room {
            a: planes()?,
            half: planes()?,
            residual: planes()?,
            noise: planes()?,
            v: image()?,
            w: image()?,
            n2: image()?,
        });
        Ok(())
    }

    fn pull(&self, place: &Place) -> Result<(), Error> {
        self.forward(place.denoised, &self.room()?.a, place.chains)?;
        self.residual(place, [0, 0], 0)?;
        self.solve(place)
    }

    fn sums(&self, place: &Place) -> Result<(), Error> {
        let room = self.room()?;
        self.forward(place.g, &room.a, place.chains)?;
        let (picture, frequencies, [gg, rg]) = (self.picture() as u64, self.spectral.plane() as u64, place.parts);
        let ([h_re, h_im], [r_re, r_im], [g_re, g_im]) =
            (self.h.addresses(), room.residual.addresses(), room.a.addresses());
        let arguments = arguments![picture, frequencies, h_re, h_im, r_re, r_im, g_re, g_im, gg, rg];
        let grid = [Place::BLOCKS, place.chains as u32, 1];
        // SAFETY: rwt_fourier_sums' parameters; a part for each block.
        unsafe { self.spectral.kernels.sums.launch(grid, [THREADS, 1, 1], 0, arguments) }
    }

    fn precondition(&self, place: &Place) -> Result<(), Error> {
        let room = self.room()?;
        self.noise(place)?;
        self.forward(room.w.address(), &room.a, place.chains)?;
        let n2 = room.n2.address();
        let (im, gap) = self.layout(n2);
        if self.is_complex {
            self.residual(place, [n2, im], gap)?; // the noise of coefficients
        } else {
            self.forward(n2, &room.noise, place.chains)?;
            self.residual(place, room.noise.addresses(), 0)?;
        }
        self.solve(place)?;
        let total = (place.chains * self.image_len()) as u64;
        let (Place { x, denoised, u, levels, level, bad, .. }, v) = (*place, room.v.address());
        let arguments = arguments![levels, level, total, denoised, v, u, x, bad];
        // SAFETY: rwt_fourier_step's parameters; total elements.
        unsafe { self.spectral.kernels.step.launch([blocks_of(total), 1, 1], [THREADS, 1, 1], 0, arguments) }
    }
}

fn check_len(name: &'static str, expected: usize, array: &[f32]) -> Result<(), Error> {
    if array.len() != expected {
        return Err(Error::Length { name, expected, found: array.len() });
    }
    finite(name, array)
}

fn finite(name: &'static str, array: &[f32]) -> Result<(), Error> {
    match array.iter().find(|value| !value.is_finite()) {
        Some(found) => Err(rwt_core::Error::Parameter { name, expected: "finite", found: f64::from(*found) }.into()),
        None => Ok(()),
    }
}
