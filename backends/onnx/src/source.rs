//! Where an engine gets a model from that has been checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::{Error, weights};

/// The bytes, or a file that the engine takes the weights from by itself: where the network is compiled more than once,
/// there is no need to keep a copy.
pub(crate) enum Source {
    Bytes(Arc<Vec<u8>>),
    File(WeightsFile),
}

/// A file, as it was when it was checked.
pub(crate) struct WeightsFile {
    /// Its folder.
    pub(crate) folder: String,
    /// The model, in which the weights are places in the file.
    pub(crate) graph: Vec<u8>,
    path: PathBuf,
    seen: (u64, Option<SystemTime>),
}

impl Source {
    /// The file that the bytes were read from, if it can be named to an engine; else the bytes.
    pub(crate) fn file(bytes: Vec<u8>, path: &Path) -> Result<Self, Error> {
        let absolute = std::fs::canonicalize(path).ok().filter(|path| path.is_file());
        let text = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
        let parts = absolute.and_then(|path| {
            let (folder, name) = (text(path.parent().map(Path::as_os_str))?, text(path.file_name())?);
            let seen = look_at(&path).ok().filter(|seen| seen.0 == bytes.len() as u64)?;
            Some((path, folder, name, seen))
        });
        Ok(match parts {
            Some((path, folder, name, seen)) => {
                Self::File(WeightsFile { folder, graph: weights::without(&bytes, &name)?, path, seen })
            }
            None => Self::Bytes(Arc::new(bytes)),
        })
    }
}

impl WeightsFile {
    /// An error if it is not the same file any more.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let source = match look_at(&self.path) {
            Ok(seen) if seen == self.seen => return Ok(()),
            Ok(_) => std::io::Error::other("it was changed after it was opened; open it again"),
            Err(error) => error,
        };
        Err(Error::Read { path: self.path.clone(), source })
    }
}

/// Length and time of the last change.
fn look_at(path: &Path) -> std::io::Result<(u64, Option<SystemTime>)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}
