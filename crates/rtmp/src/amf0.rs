//! AMF0: how commands and metadata are spelt (Adobe "Action Message Format -- AMF 0").
//!
//! Both directions are ours: the reader since it faces the network (`rml_amf0` recurses without
//! bound), the writer since `rml_amf0` neither keeps the order of keys nor knows the ECMA array.

use bytes::{BufMut, Bytes, BytesMut};

/// Objects and arrays may lie this deep in one another.
pub const MAX_DEPTH: usize = 16;

/// Values in one message: a byte may become a whole [`Value`], so bytes alone bound too little.
pub const MAX_VALUES: usize = 4096;

/// Type markers (2.1).
mod marker {
    pub(super) const NUMBER: u8 = 0x00;
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const ECMA_ARRAY: u8 = 0x08;
    pub(super) const OBJECT_END: u8 = 0x09;
    pub(super) const STRICT_ARRAY: u8 = 0x0A;
    pub(super) const DATE: u8 = 0x0B;
    pub(super) const LONG_STRING: u8 = 0x0C;
    pub(super) const UNSUPPORTED: u8 = 0x0D;
    pub(super) const XML_DOCUMENT: u8 = 0x0F;
    pub(super) const TYPED_OBJECT: u8 = 0x10;
}

/// One AMF0 value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A string, short or long; bytes that are not UTF-8 are replaced.
    String(String),
    /// An object, typed or not, in the order of its keys.
    Object(Object),
    /// An object that calls itself an array.
    EcmaArray(Object),
    /// Values in order.
    StrictArray(Vec<Value>),
    /// Milliseconds since 1970.
    Date(f64),
    /// Nothing.
    Null,
    /// Not even nothing; also what the other side could not express.
    Undefined,
}

/// Keys and values in their order.
pub type Object = Vec<(String, Value)>;

/// The bytes are not AMF0 that we accept.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end inside a value.
    #[error("an AMF0 value is cut short")]
    Truncated,
    /// More than [`MAX_DEPTH`].
    #[error("AMF0 values lie more than {MAX_DEPTH} deep")]
    TooDeep,
    /// More than [`MAX_VALUES`].
    #[error("an AMF0 message has more than {MAX_VALUES} values")]
    TooMany,
    /// A marker that RTMP has no use for, or that does not exist.
    #[error("AMF0 type {0:#04x} is not understood")]
    Marker(u8),
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The value under `key`, if this is an object or ECMA array that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let (Self::Object(entries) | Self::EcmaArray(entries)) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// Every value in a message.
pub fn read(bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let mut reader = Reader { rest: bytes, values: 0 };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value(0)?);
    }
    Ok(values)
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn number(&mut self) -> Result<f64, Error> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    fn short_string(&mut self) -> Result<String, Error> {
        let length = u16::from_be_bytes(self.array()?);
        Ok(String::from_utf8_lossy(self.take(usize::from(length))?).into_owned())
    }

    fn long_string(&mut self) -> Result<String, Error> {
        let length = u32::from_be_bytes(self.array()?);
        Ok(String::from_utf8_lossy(self.take(length as usize)?).into_owned())
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Error::TooMany);
        }
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        let [marker] = self.array()?;
        Ok(match marker {
            marker::NUMBER => Value::Number(self.number()?),
            marker::BOOLEAN => Value::Boolean(self.array::<1>()? != [0]),
            marker::STRING => Value::String(self.short_string()?),
            marker::LONG_STRING | marker::XML_DOCUMENT => Value::String(self.long_string()?),
            marker::OBJECT => Value::Object(self.entries(depth)?),
            marker::TYPED_OBJECT => {
                self.short_string()?; // the class, which means nothing outside Flash
                Value::Object(self.entries(depth)?)
            }
            marker::ECMA_ARRAY => {
                self.array::<4>()?; // the count, which is often wrong: an end marker follows (2.10)
                Value::EcmaArray(self.entries(depth)?)
            }
            marker::STRICT_ARRAY => Value::StrictArray(self.strict_array(depth)?),
            marker::DATE => {
                let date = self.number()?;
                self.array::<2>()?; // the time zone, which is reserved (2.13)
                Value::Date(date)
            }
            marker::NULL => Value::Null,
            marker::UNDEFINED | marker::UNSUPPORTED => Value::Undefined,
            other => return Err(Error::Marker(other)),
        })
    }

    fn entries(&mut self, depth: usize) -> Result<Object, Error> {
        let mut entries = Object::new();
        loop {
            let key = self.short_string()?;
            if key.is_empty() && self.rest.first() == Some(&marker::OBJECT_END) {
                self.take(1)?;
                return Ok(entries);
            }
            entries.push((key, self.value(depth + 1)?));
        }
    }

    fn strict_array(&mut self, depth: usize) -> Result<Vec<Value>, Error> {
        let count = u32::from_be_bytes(self.array()?);
        // No room is made for the declared count: it is only a claim.
        (0..count).map(|_| self.value(depth + 1)).collect()
    }
}

/// Spells values one after the other.
pub fn write(values: &[Value]) -> Bytes {
    let mut out = BytesMut::new();
    for value in values {
        write_value(&mut out, value);
    }
    out.freeze()
}

fn write_value(out: &mut BytesMut, value: &Value) {
    match value {
        Value::Number(number) => {
            out.put_u8(marker::NUMBER);
            out.put_f64(*number);
        }
        Value::Boolean(truth) => out.put_slice(&[marker::BOOLEAN, u8::from(*truth)]),
        Value::String(text) => write_string(out, text),
        Value::Object(entries) => {
            out.put_u8(marker::OBJECT);
            write_entries(out, entries);
        }
        Value::EcmaArray(entries) => {
            out.put_u8(marker::ECMA_ARRAY);
            out.put_u32(entries.len() as u32);
            write_entries(out, entries);
        }
        Value::StrictArray(values) => {
            out.put_u8(marker::STRICT_ARRAY);
            out.put_u32(values.len() as u32);
            values.iter().for_each(|value| write_value(out, value));
        }
        Value::Date(millis) => {
            out.put_u8(marker::DATE);
            out.put_f64(*millis);
            out.put_u16(0);
        }
        Value::Null => out.put_u8(marker::NULL),
        Value::Undefined => out.put_u8(marker::UNDEFINED),
    }
}

fn write_string(out: &mut BytesMut, text: &str) {
    if let Ok(length) = u16::try_from(text.len()) {
        out.put_u8(marker::STRING);
        out.put_u16(length);
    } else {
        out.put_u8(marker::LONG_STRING);
        out.put_u32(text.len() as u32);
    }
    out.put_slice(text.as_bytes());
}

fn write_entries(out: &mut BytesMut, entries: &Object) {
    for (key, value) in entries {
        // A key has no long form (2.5); one that does not fit is left out rather than cut.
        if let Ok(length) = u16::try_from(key.len()) {
            out.put_u16(length);
            out.put_slice(key.as_bytes());
            write_value(out, value);
        }
    }
    out.put_slice(&[0, 0, marker::OBJECT_END]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Vec<Value> {
        let object = vec![("b".to_owned(), Value::Number(-1.5)), ("a".to_owned(), Value::Boolean(true))];
        vec![
            Value::string("connect"),
            Value::string("x".repeat(70_000)),
            Value::EcmaArray(object.clone()),
            Value::StrictArray(vec![Value::Null, Value::Object(object)]),
            Value::Date(1e12),
            Value::Undefined,
        ]
    }

    #[test]
    fn every_kind_comes_back() {
        assert_eq!(read(&write(&every_kind())), Ok(every_kind()));
    }

    #[test]
    fn every_cut_inside_a_value_is_an_error() {
        let bytes =
            write(&[Value::Object(vec![("k".to_owned(), Value::StrictArray(vec![Value::Date(0.0)]))])]);
        for length in 1..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err(Error::Truncated), "{length} bytes");
        }
    }

    #[test]
    fn typed_objects_and_wrong_counts_are_read() {
        let typed = [0x10, 0, 1, b'C', 0, 1, b'k', 5, 0, 0, 9];
        assert_eq!(read(&typed).unwrap()[0].get("k"), Some(&Value::Null));
        let lying = [8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1, b'k', 1, 1, 0, 0, 9];
        assert_eq!(read(&lying).unwrap()[0].get("k"), Some(&Value::Boolean(true)));
    }

    #[test]
    fn a_depth_bomb_is_refused() {
        let arrays = [0x0A, 0, 0, 0, 1].repeat(1_000_000);
        assert_eq!(read(&arrays), Err(Error::TooDeep));
        let objects = [3, 0, 1, b'a'].repeat(1_000_000);
        assert_eq!(read(&objects), Err(Error::TooDeep));
    }

    #[test]
    fn a_count_bomb_is_refused() {
        assert_eq!(read(&[5; 1_000_000]), Err(Error::TooMany));
        let claim = [&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF][..], &[5; 100_000]].concat();
        assert_eq!(read(&claim), Err(Error::TooMany));
        assert_eq!(read(&claim[..50]), Err(Error::Truncated));
    }

    #[test]
    fn unknown_types_are_refused() {
        for marker in [0x04, 0x07, 0x0E, 0x11, 0x12, 0xFF] {
            assert_eq!(read(&[marker, 0, 0]), Err(Error::Marker(marker)));
        }
    }
}
