//! Images in numpy's file format, version 1.0: \x93NUMPY, a header in words, the numbers (little endian).

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The header ends here, so that the numbers are aligned.
const START: usize = 128;

fn header([channels, height, width]: [usize; 3]) -> [u8; START] {
    let words = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({channels}, {height}, {width}), }}");
    let mut header = [b' '; START];
    header[..10].copy_from_slice(b"\x93NUMPY\x01\x00\x76\x00");
    header[10..10 + words.len()].copy_from_slice(words.as_bytes());
    header[START - 1] = b'\n';
    header
}

/// A name for a file under way that no other process or thread takes.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    path.with_extension(format!("{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Write an image; the file is there when it is whole.
pub(crate) fn write(path: &Path, shape: [usize; 3], image: &[f32]) -> io::Result<()> {
    let part = part_of(path);
    let mut file = BufWriter::new(File::create_new(&part)?);
    file.write_all(&header(shape))?;
    for value in image {
        file.write_all(&value.to_le_bytes())?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(part, path)
}

/// Read an image that [`write`] has written; an error for any other file.
pub(crate) fn read(path: &Path, shape: [usize; 3], image: &mut [f32]) -> io::Result<()> {
    let file = File::open(path)?;
    let expected = (START + size_of_val(image)) as u64;
    let found = file.metadata()?.len();
    let refused = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    if found != expected {
        return Err(refused(format!("expected {expected} bytes, found {found}")));
    }
    let mut file = BufReader::new(file);
    let mut start = [0; START];
    file.read_exact(&mut start)?;
    if start != header(shape) {
        return Err(refused(format!("expected an array of float32 with the shape {shape:?}")));
    }
    let mut bytes = [0; 4];
    for value in image {
        file.read_exact(&mut bytes)?;
        *value = f32::from_le_bytes(bytes);
        if !value.is_finite() {
            return Err(refused(format!("a value is {value}")));
        }
    }
    Ok(())
}
