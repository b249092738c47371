use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use png::{ColorType, Encoder, EncodingError};

use crate::Error;
use crate::picture::{check_range, check_size};

/// Writes `[channels, height, width]` floats as an 8-bit PNG, grey (1 channel) or RGB (3).
/// `low` becomes black and `high` white; levels beyond are cut to them.
///
/// # Errors
/// A shape that is not the pixels' number, a level that is not finite, a file that cannot be
/// written.
pub fn write_png(path: &Path, pixels: &[f32], shape: [usize; 3], low: f32, high: f32) -> Result<(), Error> {
    let [channels, height, width] = shape;
    check_range(low, high)?;
    check_size(height, width)?;
    if channels != 1 && channels != 3 {
        return Err(Error::Argument(format!("{channels} channels; a PNG is written from 1 (grey) or 3 (RGB)")));
    }
    if pixels.len() != channels * height * width {
        let text = format!("{} levels for {channels} x {height} x {width}; make them agree", pixels.len());
        return Err(Error::Argument(text));
    }
    if let Some(index) = pixels.iter().position(|level| !level.is_finite()) {
        return Err(Error::Argument(format!("level {index} is {}; only finite ones can be written", pixels[index])));
    }
    let samples = interleave(pixels, channels, low, high);
    save(path, &samples, channels, height, width)
        .map_err(|e| Error::File(format!("{}: {e}; check the folder and its free space", path.display())))
}

fn interleave(pixels: &[f32], channels: usize, low: f32, high: f32) -> Vec<u8> {
    let n = pixels.len() / channels;
    let byte = |level: f32| ((level - low) / (high - low) * 255.0).clamp(0.0, 255.0).round() as u8;
    (0..channels * n).map(|i| byte(pixels[i % channels * n + i / channels])).collect()
}

fn save(path: &Path, samples: &[u8], channels: usize, height: usize, width: usize) -> Result<(), EncodingError> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut encoder = Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(if channels == 1 { ColorType::Grayscale } else { ColorType::Rgb });
    let mut writer = encoder.write_header()?;
    writer.write_image_data(samples)?;
    writer.finish()?;
    Ok(file.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Picture;

    #[test]
    fn levels_beyond_the_range_are_cut() {
        let path = std::env::temp_dir().join(format!("rwt-picture-{}-cut.png", std::process::id()));
        write_png(&path, &[-9.0, 0.5, 9.0], [1, 3, 1], 0.0, 1.0).unwrap();
        let picture = Picture::read(&path, 0.0, 255.0).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(picture.pixels[..3], [0.0, 128.0, 255.0]);
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let path = Path::new("/no/such/folder/a.png");
        let refused = |pixels: &[f32], shape| write_png(path, pixels, shape, 0.0, 1.0).unwrap_err();
        assert!(matches!(refused(&[0.0], [1, 1, 1]), Error::File(_)));
        assert!(matches!(refused(&[f32::NAN], [1, 1, 1]), Error::Argument(_)));
        assert!(matches!(refused(&[0.0; 2], [2, 1, 1]), Error::Argument(_)));
        assert!(matches!(refused(&[0.0; 2], [1, 1, 1]), Error::Argument(_)));
        assert!(matches!(refused(&[], [1, 0, 1]), Error::Size(_)));
        assert!(matches!(refused(&[0.0], [1, usize::MAX, 2]), Error::Size(_)));
        assert!(matches!(write_png(path, &[0.0], [1, 1, 1], 1.0, 1.0), Err(Error::Argument(_))));
    }
}
