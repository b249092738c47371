//! A model's weights apart from its graph: the engine then reads them where they are, instead of making a copy first.

use std::ops::Range;

use crate::Error;
use crate::wire::{Fields, Value};

/// What the graph calls the weights.
pub(crate) const NAME: &str = "weights.data";
/// Smaller tensors stay in the graph, in bytes.
const SMALL: usize = 1024;
/// Weights are read as f32 where they are.
const ALIGNMENT: usize = align_of::<f32>();

/// A model file, cut in two.
pub(crate) struct Parts {
    /// A model whose large f32 tensors refer to places in `weights`.
    pub(crate) graph: Vec<u8>,
    /// The bytes of the file, in which those tensors were moved to aligned places.
    pub(crate) weights: Vec<u8>,
}

impl Parts {
    /// Cut a model that [`Contents`](crate::contents::Contents) has walked.
    pub(crate) fn of(mut file: Vec<u8>) -> Result<Self, Error> {
        let mut places = Vec::new();
        let graph = referring(&file, NAME, |place: Range<usize>| {
            let aligned = place.start - place.start % ALIGNMENT;
            places.push((place, aligned));
            aligned
        })?;
        // each place is below the one after it, and its own header leaves room to move down
        for (from, to) in places {
            file.copy_within(from, to);
        }
        Ok(Self { graph, weights: file })
    }
}

/// The model in a file without its large f32 tensors: those refer to their places in that file, which `location` names.
pub(crate) fn without(file: &[u8], location: &str) -> Result<Vec<u8>, Error> {
    referring(file, location, |place| place.start)
}

fn referring(file: &[u8], location: &str, mut offset: impl FnMut(Range<usize>) -> usize) -> Result<Vec<u8>, Error> {
    rewritten(file, 7, |graph| {
        rewritten(graph, 5, |tensor| {
            let Some(data) = large(tensor)? else { return Ok(tensor.to_vec()) };
            let start = data.as_ptr() as usize - file.as_ptr() as usize;
            let place = offset(start..start + data.len());
            placed(
                tensor,
                [("location", location), ("offset", &place.to_string()), ("length", &data.len().to_string())],
            )
        })
    })
}

/// A message with each embedded message of one number replaced.
fn rewritten(
    message: &[u8],
    wanted: u64,
    mut replace: impl FnMut(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    let (mut fields, mut result) = (Fields(message), Vec::new());
    loop {
        let before = fields.0;
        match fields.next()? {
            None => return Ok(result),
            Some((number, Value::Bytes(inner))) if number == wanted => put(&mut result, number, &replace(inner)?),
            Some(_) => result.extend(&before[..before.len() - fields.0.len()]),
        }
    }
}

/// The raw data of a tensor, if they are f32 and large.
fn large(tensor: &[u8]) -> Result<Option<&[u8]>, Error> {
    let (mut fields, mut raw, mut kind) = (Fields(tensor), None, 0);
    while let Some(field) = fields.next()? {
        match field {
            (2, Value::Varint(code)) => kind = code,
            (9, Value::Bytes(data)) => raw = Some(data),
            _ => {}
        }
    }
    Ok(raw.filter(|data| kind == 1 && data.len() >= SMALL))
}

/// The tensor with entries of external_data in place of its raw data.
fn placed(tensor: &[u8], entries: [(&str, &str); 3]) -> Result<Vec<u8>, Error> {
    let (mut fields, mut result) = (Fields(tensor), Vec::new());
    loop {
        let before = fields.0;
        match fields.next()? {
            None => break,
            Some((9, _)) => {}
            Some(_) => result.extend(&before[..before.len() - fields.0.len()]),
        }
    }
    for (key, value) in entries {
        let mut entry = Vec::new();
        put(&mut entry, 1, key.as_bytes());
        put(&mut entry, 2, value.as_bytes());
        put(&mut result, 13, &entry);
    }
    result.extend([14 << 3, 1]); // data_location: external
    Ok(result)
}

/// Append a field that holds bytes.
fn put(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    for mut value in [number << 3 | 2, bytes.len() as u64] {
        while value > 127 {
            message.push(value as u8 | 128);
            value >>= 7;
        }
        message.push(value as u8);
    }
    message.extend(bytes);
}
