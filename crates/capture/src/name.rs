//! Devices by what people call them.

/// Which one of several devices is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The one at this place.
    One(usize),
    /// None.
    None,
    /// Several, with these names.
    Several(String),
}

/// Finds a device by its id, its whole name, or a part of the name that only one has, among the ids
/// and names of all.
pub(crate) fn find<'a>(devices: impl Iterator<Item = (&'a str, &'a str)>, wanted: &str) -> Found {
    let devices: Vec<_> = devices.collect();
    if let Some(exact) = devices.iter().position(|(id, name)| *id == wanted || *name == wanted) {
        return Found::One(exact);
    }
    let part = wanted.to_lowercase();
    let matching: Vec<usize> =
        (0..devices.len()).filter(|at| devices[*at].1.to_lowercase().contains(&part)).collect();
    match matching[..] {
        [] => Found::None,
        [one] => Found::One(one),
        _ => Found::Several(matching.iter().map(|at| devices[*at].1).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_exactly_then_by_unique_part() {
        let devices = [("usb-1", "Studio Cam"), ("usb-2", "Studio Cam Pro"), ("usb-3", "Desk")];
        let find = |wanted| find(devices.into_iter(), wanted);
        assert_eq!(find("Studio Cam"), Found::One(0));
        assert_eq!(find("pro"), Found::One(1));
        assert_eq!(find("usb-3"), Found::One(2));
        assert_eq!(find("studio"), Found::Several("Studio Cam, Studio Cam Pro".to_owned()));
        assert_eq!(find("webcam"), Found::None);
    }
}
