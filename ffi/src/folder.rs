//! A run's folder: its samples as they are finished, and where its walks stand.

use crate::npy;
use crate::status::{Failure, rwt_status_code::*, zeros};
use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the run is, in a text file.
const RUN: &str = "run.txt";

pub(crate) struct Folder {
    path: PathBuf,
    shape: [usize; 3],
    first_chain: u64,
}

impl Folder {
    /// Open the folder of a run, or make it. `run` says in lines of a name and a value what must be the same to go on.
    pub fn open(path: &Path, run: &str, shape: [usize; 3], first_chain: u64) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| io(path, error))?;
        let file = path.join(RUN);
        match fs::read_to_string(&file) {
            Ok(before) => same(path, &before, run)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write(&file, run).map_err(|error| io(&file, error))?;
                // another process may have been as quick
                same(path, &fs::read_to_string(&file).map_err(|error| io(&file, error))?, run)?;
            }
            Err(error) => return Err(io(&file, error)),
        }
        Ok(Self { path: path.to_owned(), shape, first_chain })
    }

    fn sample(&self, chain: usize) -> PathBuf {
        self.path.join(format!("sample-{:08}.npy", self.first_chain.saturating_add(chain as u64)))
    }

    fn place(&self, chain: usize, level: usize) -> PathBuf {
        self.path.join(format!("walk-{:08}-{level:06}.npy", self.first_chain.saturating_add(chain as u64)))
    }

    /// Is the chain finished?
    pub fn is_finished(&self, chain: usize) -> bool {
        self.sample(chain).exists()
    }

    /// Levels that are done, below `most`, of each chain that stands between two levels.
    pub fn levels(&self, chains: usize, most: usize) -> Result<Vec<usize>, Failure> {
        let mut levels = zeros(chains)?;
        for entry in fs::read_dir(&self.path).map_err(|error| io(&self.path, error))? {
            let name = entry.map_err(|error| io(&self.path, error))?.file_name();
            let numbers =
                name.to_str().and_then(|name| name.strip_prefix("walk-")?.strip_suffix(".npy")?.split_once('-'));
            let Some((chain, level)) = numbers else { continue };
            let own = chain.parse::<u64>().ok().and_then(|chain| chain.checked_sub(self.first_chain));
            let own = own.and_then(|own| levels.get_mut(usize::try_from(own).ok()?));
            if let (Some(own), Ok(level)) = (own, level.parse::<usize>())
                && level < most
            {
                *own = level.max(*own); // an older one may be left where the machine stopped in between
            }
        }
        Ok(levels)
    }

    /// Read a finished sample.
    pub fn read_sample(&self, chain: usize, image: &mut [f32]) -> Result<(), Failure> {
        read(&self.sample(chain), self.shape, image)
    }

    /// Read the place of a walk after a level.
    pub fn read_place(&self, chain: usize, level: usize, x: &mut [f32]) -> Result<(), Failure> {
        read(&self.place(chain, level), self.shape, x)
    }

    /// Write a finished sample; where its walk stood after `level` is not needed any more.
    pub fn write_sample(&self, chain: usize, image: &[f32], level: usize) -> Result<(), Failure> {
        let path = self.sample(chain);
        npy::write(&path, self.shape, image).map_err(|error| io(&path, error))?;
        self.forget(chain, level)
    }

    /// Write where a walk stands after `level`, in place of where it stood after `before`.
    pub fn write_place(&self, chain: usize, level: usize, x: &[f32], before: usize) -> Result<(), Failure> {
        let path = self.place(chain, level);
        npy::write(&path, self.shape, x).map_err(|error| io(&path, error))?;
        if level == before { Ok(()) } else { self.forget(chain, before) }
    }

    fn forget(&self, chain: usize, level: usize) -> Result<(), Failure> {
        let path = self.place(chain, level);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(&path, error)),
            _ => Ok(()),
        }
    }
}

/// Write a text; the file is there when it is whole.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let part = npy::part_of(path);
    let mut file = fs::File::create_new(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(part, path)
}

fn read(path: &Path, shape: [usize; 3], image: &mut [f32]) -> Result<(), Failure> {
    npy::read(path, shape, image).map_err(|error| {
        let text = format!("{}: {error}; remove the file to draw it again", path.display());
        Failure::new(RWT_ERR_IO, text)
    })
}

fn io(path: &Path, error: impl Display) -> Failure {
    Failure::new(RWT_ERR_IO, format!("{}: {error}", path.display()))
}

/// An error that names the first line in which two runs differ.
fn same(path: &Path, before: &str, run: &str) -> Result<(), Failure> {
    if before == run {
        return Ok(());
    }
    let differs = before.lines().zip(run.lines()).find(|(before, now)| before != now);
    let (before, now) = differs.unwrap_or(("another number of lines", "of this version"));
    Err(Failure::argument(format!(
        "the folder {} is of another run: it has \"{before}\", this one \"{now}\"; take another folder, or remove it",
        path.display()
    )))
}

/// A number that tells arrays apart: FNV-1a, 64 bits, over the bytes.
pub(crate) fn digest(values: &[f32]) -> u64 {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    values.iter().flat_map(|value| value.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, step)
}
