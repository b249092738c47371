//! The fields of a Protocol Buffers message, borrowed from its bytes. Every length is checked against its message.

use crate::Error;

/// The value of one field.
pub(crate) enum Value<'a> {
    /// An integer.
    Varint(u64),
    /// Bytes, text, an embedded message or packed numbers.
    Bytes(&'a [u8]),
    /// Eight or four bytes.
    Fixed(&'a [u8]),
}

/// Iterates over (field number, value).
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field, or `None` at the end of the message.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Error> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = varint(&mut self.0)?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut self.0)?),
            1 => Value::Fixed(self.take(8)?),
            2 => {
                let length = varint(&mut self.0)?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed(self.take(4)?),
            other => {
                return Err(Error::Malformed(format!("expected a field of wire type 0, 1, 2 or 5, found {other}")));
            }
        };
        Ok(Some((tag >> 3, value)))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let here = self.0.len();
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (taken, rest) =
            split.ok_or_else(|| Error::Malformed(format!("expected a field of {length} bytes, found {here}")))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Read a variable-length integer off the front of `bytes`.
pub(crate) fn varint(bytes: &mut &[u8]) -> Result<u64, Error> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes
            .split_first()
            .ok_or_else(|| Error::Malformed("expected the rest of an integer, found the end".into()))?;
        *bytes = rest;
        value |= u64::from(first & 127) << shift;
        if first < 128 {
            return Ok(value);
        }
    }
    Err(Error::Malformed("expected an integer of at most 10 bytes, found a longer one".into()))
}

/// The bytes as text, or an error.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|e| Error::Malformed(format!("expected text in UTF-8, found {e}")))
}
