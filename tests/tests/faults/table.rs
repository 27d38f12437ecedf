//! The rows: struck, healed, measured, and held against their bounds.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::scene::{LIMIT, Scene, since};

/// How many broadcasts run at once.
const AT_ONCE: usize = 5;

/// Something that happens.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Makes it happen.
    pub(crate) strike: fn(&Scene),
    /// Seconds until it is undone; 0 for what is over when it has happened.
    pub(crate) lasts: u32,
    /// Undoes it.
    pub(crate) heal: fn(&Scene),
    pub(crate) bounds: Bounds,
}

/// Seconds.
pub(crate) struct Bounds {
    /// From the fault to the state that says so.
    pub(crate) noticed: f64,
    /// From the fault's end to the state Live.
    pub(crate) recovered: f64,
    /// What viewers missed.
    pub(crate) viewers: f64,
}

struct Row {
    name: &'static str,
    cells: Result<[(f64, f64); 4], String>,
}

/// What `measure` makes of each fault, several at once, in their order.
fn each<T: Send>(faults: Vec<Fault>, measure: fn(&Fault) -> T) -> Vec<(&'static str, Result<T, String>)> {
    let waiting = Mutex::new(faults.into_iter().enumerate().collect::<VecDeque<_>>());
    let measured = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let next = || lock(&waiting).pop_front();
                while let Some((at, fault)) = next() {
                    let result = catch_unwind(AssertUnwindSafe(|| measure(&fault))).map_err(words);
                    lock(&measured).push((at, fault.name, result));
                }
            });
        }
    });
    let mut measured = measured.into_inner().unwrap_or_else(PoisonError::into_inner);
    measured.sort_by_key(|(at, ..)| *at);
    measured.into_iter().map(|(_, name, result)| (name, result)).collect()
}

/// Stops each broadcast in the middle of its fault.
pub(crate) fn stop_within(faults: Vec<Fault>) {
    let ends = each(faults, |fault| {
        let mut scene = Scene::begin(fault.name);
        (fault.strike)(&scene);
        scene.run.wait_for_state(0, "reconnecting", LIMIT);
        let begun = Instant::now();
        scene.run.interrupt();
        scene.run.exit_code(10);
        since(begun)
    });
    // Three seconds for what is left, and one for a busy machine.
    let late: Vec<_> = ends.iter().filter(|(_, took)| !took.as_ref().is_ok_and(|took| *took < 4.0)).collect();
    assert!(late.is_empty(), "{late:#?}");
}

/// Runs them all, writes the table, and fails with it when a bound is broken.
pub(crate) fn judge(faults: Vec<Fault>) {
    let rows: Vec<_> = each(faults, measure).into_iter().map(|(name, cells)| Row { name, cells }).collect();
    let table = write(&rows);
    println!("{table}");
    let output = e2e::workspace().join("test-output");
    std::fs::create_dir_all(&output).unwrap();
    std::fs::write(output.join("faults.md"), &table).unwrap();
    let fails = |row: &Row| row.cells.as_ref().map_or(true, |cells| cells.iter().any(|(is, may)| is > may));
    let failed: Vec<_> = rows.iter().filter(|row| fails(row)).map(|row| row.name).collect();
    assert!(failed.is_empty(), "{failed:?}\n{table}");
}

fn measure(fault: &Fault) -> [(f64, f64); 4] {
    let mut scene = Scene::begin(fault.name);
    let struck = Instant::now();
    (fault.strike)(&scene);
    scene.run.wait_for_state(0, "reconnecting", LIMIT);
    let noticed = since(struck);
    while since(struck) < f64::from(fault.lasts) {
        scene.seconds(1);
    }
    let healed = Instant::now();
    (fault.heal)(&scene);
    scene.run.wait_for_state(0, "live", LIMIT);
    let recovered = since(healed);
    scene.seconds(3);
    let missed = scene.missed_by_viewers();
    let unrecorded = scene.missed_by_the_recording();
    let Bounds { noticed: soon, recovered: then, viewers } = fault.bounds;
    [(noticed, soon), (recovered, then), (missed, viewers), (unrecorded, 0.0)]
}

fn write(rows: &[Row]) -> String {
    let mut table = String::from(
        "| fault | noticed after | recovered after | lost to viewers | lost to the recording |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for Row { name, cells } in rows {
        let _ = match cells {
            Ok(cells) => {
                let cell = |(is, may): &(f64, f64)| {
                    format!("{is:.1} s (at most {may} s){}", if is > may { " **broken**" } else { "" })
                };
                writeln!(table, "| {name} | {} |", cells.iter().map(cell).collect::<Vec<_>>().join(" | "))
            }
            Err(words) => {
                writeln!(table, "| {name} | **{}** | | | |", words.lines().next().unwrap_or_default())
            }
        };
    }
    for Row { name, cells } in rows {
        if let Err(words) = cells {
            let _ = writeln!(table, "\n{name}: {words}");
        }
    }
    table
}

fn words(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(words) => *words,
        Err(other) => other.downcast_ref::<&str>().copied().unwrap_or("it panicked").to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
