//! Medians and rows.

/// The middle of some figures.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One line: what, smallest, median and largest of it, and what it should be.
pub(crate) fn row(what: &str, unit: &str, figures: &[f64], bound: &str) {
    let smallest = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    println!(
        "{what:<44} min {smallest:>8.2}  median {:>8.2}  max {largest:>8.2} {unit:<8} {bound}",
        median(figures)
    );
}
