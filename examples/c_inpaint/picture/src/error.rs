use std::fmt;

/// Why a picture could not be read or written; the text names the file and the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A pointer that must not be NULL was.
    Null(&'static str),
    /// The file could not be opened, read or written.
    File(String),
    /// The file is not a PNG, or is damaged.
    Format(String),
    /// No pixels, or more than [`MAX_PIXELS`](crate::MAX_PIXELS).
    Size(String),
    /// An argument that makes no sense.
    Argument(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(name) => write!(f, "{name} is NULL"),
            Self::File(text) | Self::Format(text) | Self::Size(text) | Self::Argument(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}
