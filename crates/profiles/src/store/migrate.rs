//! From older versions of the file to this one.

use serde_json::{Map, Value};

use super::Book;

/// Lifts the file by one version.
pub(super) type Step = fn(&mut Map<String, Value>);

/// The steps from version 1 on; the version of the file is one more than their number.
pub(super) const STEPS: &[Step] = &[];

/// The version that is written.
pub(super) const VERSION: u64 = STEPS.len() as u64 + 1;

/// Why a file was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A later version of ours wrote it.
    Newer(u64),
    /// It is not what we write.
    Malformed(String),
}

/// Reads a file of this version, or lifts an older one.
pub(super) fn read(bytes: &[u8], steps: &[Step]) -> Result<Book, Fault> {
    let malformed = |error: serde_json::Error| {
        // Its own words may quote the file.
        Fault::Malformed(format!("line {}, column {}", error.line(), error.column()))
    };
    let mut map: Map<String, Value> = serde_json::from_slice(bytes).map_err(malformed)?;
    let version = map.get("version").and_then(Value::as_u64).unwrap_or(0);
    let newest = steps.len() as u64 + 1;
    if version == 0 {
        return Err(Fault::Malformed("no version".to_owned()));
    }
    if version > newest {
        return Err(Fault::Newer(version));
    }
    for step in &steps[version as usize - 1..] {
        step(&mut map);
    }
    map.insert("version".to_owned(), newest.into());
    serde_json::from_value(Value::Object(map))
        .map_err(|_| Fault::Malformed("a field is not what it should be".to_owned()))
}
