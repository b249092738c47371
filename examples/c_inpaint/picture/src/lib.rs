//! PNG pictures as planar floats, for the C example.
//!
//! A [`Picture`] is three planes, `[3, height, width]`, in a range that the caller chooses. C sees
//! the same through `picture.h` ([`c`]).
//!
//! ```
//! use rwt_picture::{Picture, write_png};
//!
//! let path = std::env::temp_dir().join("rwt-picture-doc.png");
//! write_png(&path, &[-1.0, 1.0], [1, 1, 2], -1.0, 1.0)?;
//! let picture = Picture::read(&path, -1.0, 1.0)?;
//! assert_eq!((picture.height, picture.width, picture.was_grey), (1, 2, true));
//! assert_eq!(picture.pixels, [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
//! # std::fs::remove_file(&path).unwrap();
//! # Ok::<(), rwt_picture::Error>(())
//! ```

pub mod c;
mod error;
mod picture;
mod square;
mod write;

pub use error::Error;
pub use picture::{CHANNELS, MAX_PIXELS, Mask, Picture};
pub use write::write_png;
