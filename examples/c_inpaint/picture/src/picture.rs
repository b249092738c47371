use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use png::{BitDepth, Decoder, DecodingError, Transformations};

use crate::Error;

/// Planes of every [`Picture`]; a grey one has the same plane three times.
pub const CHANNELS: usize = 3;

/// Larger pictures are refused, so that a few bytes of PNG cannot claim all memory.
pub const MAX_PIXELS: usize = 1 << 26;

/// A picture, `[3, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The three planes are equal.
    pub was_grey: bool,
    /// Planes one after the other, each row-major.
    pub pixels: Vec<f32>,
}

impl Picture {
    /// Reads any PNG; black becomes `low`, white `high`. Transparency is ignored.
    ///
    /// # Errors
    /// A file that cannot be opened, is no PNG, is damaged or too large; a range that is not
    /// finite or empty.
    pub fn read(path: &Path, low: f32, high: f32) -> Result<Self, Error> {
        check_range(low, high)?;
        let file = File::open(path).map_err(|e| Error::File(format!("{}: {e}; check the path", path.display())))?;
        let mut decoder = Decoder::new(BufReader::new(file));
        decoder.set_transformations(Transformations::EXPAND);
        let mut reader = decoder.read_info().map_err(|e| unreadable(path, &e))?;
        let (height, width) = (reader.info().height as usize, reader.info().width as usize);
        check_size(height, width)?;
        let too_large = || Error::Size(format!("{}: too large for this machine", path.display()));
        let mut samples = vec![0; reader.output_buffer_size().ok_or_else(too_large)?];
        let frame = reader.next_frame(&mut samples).map_err(|e| unreadable(path, &e))?;
        samples.truncate(frame.buffer_size());
        let levels = Levels { low, high, sixteen: frame.bit_depth == BitDepth::Sixteen };
        let pixels = planes(&samples, frame.color_type.samples(), &levels, height * width);
        let was_grey = pixels.chunks_exact(height * width).all(|plane| plane == &pixels[..height * width]);
        Ok(Self { height, width, was_grey, pixels })
    }
}

/// Which pixels were measured, `[height, width]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 where the mask is white (mean of the channels at least 128 of 255), 0 where it is black.
    pub measured: Vec<u8>,
}

impl Mask {
    /// Reads a mask from any PNG.
    ///
    /// # Errors
    /// Those of [`Picture::read`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let picture = Picture::read(path, 0.0, 255.0)?;
        let n = picture.height * picture.width;
        let level = |i: usize| (0..CHANNELS).map(|c| picture.pixels[c * n + i]).sum::<f32>() / CHANNELS as f32;
        let measured = (0..n).map(|i| u8::from(level(i) > 127.5)).collect();
        Ok(Self { height: picture.height, width: picture.width, measured })
    }
}

pub(crate) fn check_range(low: f32, high: f32) -> Result<(), Error> {
    if (high - low).is_finite() && low < high {
        return Ok(());
    }
    Err(Error::Argument(format!("the range is {low} to {high}; give two finite levels, the lower one first")))
}

pub(crate) fn check_size(height: usize, width: usize) -> Result<(), Error> {
    match height.checked_mul(width) {
        Some(1..=MAX_PIXELS) => Ok(()),
        _ => Err(Error::Size(format!(
            "the picture has {width} x {height} pixels; between 1 and {MAX_PIXELS} are possible, so resize it first"
        ))),
    }
}

struct Levels {
    low: f32,
    high: f32,
    sixteen: bool,
}

impl Levels {
    fn at(&self, samples: &[u8], index: usize) -> f32 {
        let unit = if self.sixteen {
            f32::from(u16::from_be_bytes([samples[2 * index], samples[2 * index + 1]])) / 65535.0
        } else {
            f32::from(samples[index]) / 255.0
        };
        self.low + unit * (self.high - self.low)
    }
}

/// Interleaved samples (grey, grey and alpha, RGB or RGBA) to three planes of n pixels.
fn planes(samples: &[u8], per_pixel: usize, levels: &Levels, n: usize) -> Vec<f32> {
    let mut pixels = Vec::with_capacity(CHANNELS * n);
    for channel in 0..CHANNELS {
        let offset = if per_pixel < CHANNELS { 0 } else { channel };
        pixels.extend((0..n).map(|i| levels.at(samples, i * per_pixel + offset)));
    }
    pixels
}

fn unreadable(path: &Path, error: &DecodingError) -> Error {
    let path = path.display();
    match error {
        DecodingError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::File(format!("{path}: {e}; check the path"))
        }
        DecodingError::LimitsExceeded => Error::Size(format!("{path}: {error}; resize it first")),
        _ => Error::Format(format!("{path}: not a whole PNG ({error}); convert it to PNG again")),
    }
}

#[cfg(test)]
mod tests {
    use png::{ColorType, Encoder};

    use super::*;
    use crate::write_png;

    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("rwt-picture-{}-{name}.png", std::process::id())))
        }

        fn with(name: &str, bytes: &[u8]) -> Self {
            let scratch = Self::new(name);
            std::fs::write(&scratch.0, bytes).unwrap();
            scratch
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn encode(size: [u32; 2], color: ColorType, depth: BitDepth, palette: Option<&[u8]>, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, size[1], size[0]);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if let Some(palette) = palette {
            encoder.set_palette(palette.to_vec());
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    #[test]
    fn what_was_written_is_read_again() {
        let scratch = Scratch::new("round-trip");
        let levels: Vec<f32> = (0..3 * 2 * 5).map(|i| -1.0 + 2.0 * (i * 8) as f32 / 255.0).collect();
        write_png(&scratch.0, &levels, [3, 2, 5], -1.0, 1.0).unwrap();
        let picture = Picture::read(&scratch.0, -1.0, 1.0).unwrap();
        assert_eq!((picture.height, picture.width, picture.was_grey), (2, 5, false));
        assert!(picture.pixels.iter().zip(&levels).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn sixteen_bits_are_not_cut_to_eight() {
        let data = [0x00, 0x01, 0xff, 0xff, 0x80, 0x00, 0xff, 0xff];
        let file = encode([1, 2], ColorType::GrayscaleAlpha, BitDepth::Sixteen, None, &data);
        let picture = Picture::read(&Scratch::with("sixteen", &file).0, 0.0, 65535.0).unwrap();
        assert!(picture.was_grey);
        assert!((picture.pixels[0] - 1.0).abs() < 1e-2 && (picture.pixels[1] - 32768.0).abs() < 1e-2);
    }

    #[test]
    fn a_palette_becomes_its_colours() {
        let palette = [255, 0, 0, 0, 0, 255];
        let file = encode([1, 3], ColorType::Indexed, BitDepth::One, Some(&palette), &[0b0100_0000]);
        let picture = Picture::read(&Scratch::with("palette", &file).0, 0.0, 1.0).unwrap();
        assert_eq!(picture.pixels, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn few_bits_span_the_whole_range() {
        for (depth, byte) in [(BitDepth::One, 0b0100_0000), (BitDepth::Two, 0b0011_0000), (BitDepth::Four, 0x0f)] {
            let file = encode([1, 2], ColorType::Grayscale, depth, None, &[byte]);
            let picture = Picture::read(&Scratch::with(&format!("bits-{depth:?}"), &file).0, -1.0, 1.0).unwrap();
            assert_eq!(picture.pixels, [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
        }
    }

    #[test]
    fn alpha_is_ignored() {
        let file = encode([1, 1], ColorType::Rgba, BitDepth::Eight, None, &[255, 0, 255, 0]);
        let picture = Picture::read(&Scratch::with("rgba", &file).0, 0.0, 1.0).unwrap();
        assert_eq!(picture.pixels, [1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_mask_is_measured_from_128_upwards() {
        let file = encode([2, 2], ColorType::Grayscale, BitDepth::Eight, None, &[0, 127, 128, 255]);
        let mask = Mask::read(&Scratch::with("mask", &file).0).unwrap();
        assert_eq!((mask.height, mask.width, mask.measured), (2, 2, vec![0, 0, 1, 1]));
    }

    #[test]
    fn something_else_than_png_is_a_format_error() {
        for (name, bytes) in [("text", b"not a picture".as_slice()), ("empty", b"")] {
            assert!(matches!(Picture::read(&Scratch::with(name, bytes).0, 0.0, 1.0), Err(Error::Format(_))));
        }
        assert!(matches!(Picture::read(Path::new("/no/such.png"), 0.0, 1.0), Err(Error::File(_))));
    }

    #[test]
    fn a_truncated_png_is_an_error_wherever_it_ends() {
        let noise: Vec<u8> = (0..16 * 16).map(|i: u32| (i * i * 31 % 251) as u8).collect();
        let file = encode([16, 16], ColorType::Grayscale, BitDepth::Eight, None, &noise);
        let before_end_chunk = file.len() - 20;
        for length in (0..before_end_chunk).step_by(7) {
            let scratch = Scratch::with("truncated", &file[..length]);
            assert!(matches!(Picture::read(&scratch.0, 0.0, 1.0), Err(Error::Format(_))), "{length} bytes");
        }
    }

    #[test]
    fn a_png_bomb_is_refused_before_memory_is_claimed() {
        // A header that declares 2^15 x 2^12 pixels; its checksum is right, its data is short.
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 1 << 15, 1 << 12);
        encoder.set_color(ColorType::Rgba);
        let _ = encoder.write_header().map(|mut writer| writer.write_chunk(png::chunk::IDAT, &[0; 8]));
        let error = Picture::read(&Scratch::with("bomb", &file).0, 0.0, 1.0).unwrap_err();
        assert!(matches!(&error, Error::Size(text) if text.contains("32768 x 4096")), "{error}");
    }
}
