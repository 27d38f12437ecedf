//! Single byte ranges (RFC 9110, 14).

use std::ops::Range;

/// What a `Range` header asks of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: there is no header, or one that may be ignored.
    All,
    /// These bytes.
    Part(Range<usize>),
    /// Bytes that are not there.
    Nothing,
}

/// Reads a `Range` header for a body of `length` bytes. Several ranges at once, other units and
/// malformed ones are ignored, as the standard allows.
pub(crate) fn asked(header: Option<&str>, length: usize) -> Asked {
    let bounds = header.and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'));
    let Some((first, last)) = bounds else { return Asked::All };
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<usize>().ok(),
        false => None,
    };
    match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => part(first, length, length),
        (Some(first), Some(last)) if first <= last => part(first, last.saturating_add(1), length),
        (None, Some(suffix)) if first.is_empty() => match suffix {
            0 => Asked::Nothing,
            _ => part(length.saturating_sub(suffix), length, length),
        },
        _ => Asked::All,
    }
}

fn part(start: usize, end: usize, length: usize) -> Asked {
    if start < length { Asked::Part(start..end.min(length)) } else { Asked::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let cases = [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-5", Asked::Part(2..6)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=2-999999999999999999", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-2", Asked::All),
            ("bytes=-", Asked::All),
            ("bytes=+1-2", Asked::All),
            ("bytes=0-1,4-5", Asked::All),
            ("bytes=x-y", Asked::All),
            ("lines=0-1", Asked::All),
            ("bytes=99999999999999999999999-", Asked::All),
        ];
        for (header, expected) in cases {
            assert_eq!(asked(Some(header), 10), expected, "{header}");
        }
        assert_eq!(asked(None, 10), Asked::All);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Nothing);
    }
}
