//! Everything that happens in the field, one row each: how soon it is noticed, how soon it is over, and
//! what it costs.
//!
//! A further fault is a row of [`faults`]: what is done, for how many seconds, what undoes it, and its
//! bounds. The run writes the table to `test-output/faults.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "faults/scene.rs"]
mod scene;
#[path = "faults/table.rs"]
mod table;

use scene::Scene;
use table::{Bounds, Fault, judge, stop_within};

/// Bounds in seconds, with what a busy machine of two cores adds. `noticed` counts from the fault,
/// `recovered` from its end; `viewers` is what is missing in what the servers received. The recording lacks
/// nothing, whatever happens to the network.
fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "the connection is cut",
            strike: |scene| scene.path.cut(),
            lasts: 0,
            heal: |_| {},
            bounds: Bounds { noticed: 2.0, recovered: 4.0, viewers: 4.0 },
        },
        Fault {
            name: "connections are refused",
            strike: |scene| scene.path.refuse(),
            lasts: 5,
            heal: |scene| scene.path.admit(),
            bounds: Bounds { noticed: 2.0, recovered: 6.0, viewers: 12.0 },
        },
        Fault {
            name: "nothing passes and nobody says so",
            strike: |scene| scene.path.stall(),
            lasts: 8,
            heal: |scene| scene.path.resume(),
            bounds: Bounds { noticed: 6.0, recovered: 12.0, viewers: 20.0 },
        },
        Fault {
            name: "the server stops reading",
            strike: |scene| scene.nginx().freeze(),
            lasts: 22,
            heal: |scene| scene.nginx().thaw(),
            // What the server's own buffer still takes, 128 KiB, is acknowledged.
            bounds: Bounds { noticed: 20.0, recovered: 12.0, viewers: 30.0 },
        },
        Fault {
            name: "the server dies",
            strike: |scene| scene.nginx().kill(),
            lasts: 5,
            heal: |scene| scene.nginx().restart(),
            bounds: Bounds { noticed: 2.0, recovered: 6.0, viewers: 12.0 },
        },
        Fault {
            name: "the old session holds the name (BadName)",
            strike: Scene::take_the_name,
            lasts: 10,
            heal: Scene::give_the_name_back,
            bounds: Bounds { noticed: 2.0, recovered: 7.0, viewers: 20.0 },
        },
        Fault {
            name: "the server sends garbage",
            strike: |scene| scene.path.inject(&[0xff; 4096]),
            lasts: 0,
            heal: |_| {},
            bounds: Bounds { noticed: 2.0, recovered: 4.0, viewers: 4.0 },
        },
        Fault {
            name: "the cable is pulled",
            strike: |scene| scene.net().unplug(),
            lasts: 8,
            heal: |scene| scene.net().plug(),
            bounds: Bounds { noticed: 5.0, recovered: 6.0, viewers: 16.0 },
        },
        Fault {
            name: "the address changes",
            strike: |scene| scene.net().change_address(),
            lasts: 0,
            heal: |_| {},
            // The server holds the name for the old session, of which it hears nothing, for 10 s.
            bounds: Bounds { noticed: 5.0, recovered: 20.0, viewers: 22.0 },
        },
        Fault {
            name: "the primary dies, a backup stands by",
            strike: |scene| scene.nginx().kill(),
            lasts: 0,
            heal: |_| {},
            bounds: Bounds { noticed: 2.0, recovered: 14.0, viewers: 16.0 },
        },
    ]
}

#[test]
fn every_fault_is_noticed_survived_and_costs_no_more_than_its_bound() {
    judge(faults());
}

#[test]
fn a_stop_ends_within_its_bound_in_the_middle_of_every_fault() {
    stop_within(faults());
}
