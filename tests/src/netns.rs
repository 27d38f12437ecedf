//! A network of its own for a program: a cable that can be pulled, an address that can change.
//!
//! The program lives in a network namespace, joined to this one by a pair of virtual Ethernet ends. What
//! is lost there is really lost, and the kernel tells of the change as it does of a real one. Needs root.

use std::net::Ipv4Addr;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

/// The namespace, its link and its address. Dropping it takes them away.
pub struct Netns {
    name: String,
    number: u8,
    /// The last part of the program's address.
    host: AtomicU8,
}

impl Netns {
    /// A network with one cable, which is in.
    pub fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e-{}-{number}", std::process::id());
        // Another test program's networks must not overlap.
        let number = number.wrapping_add((std::process::id() * 7 % 249) as u8);
        let net = Self { name, number, host: AtomicU8::new(2) };
        let (ours, theirs) = (net.ours(), net.theirs());
        ip(&["netns", "add", &net.name]);
        ip(&["link", "add", &ours, "type", "veth", "peer", "name", &theirs]);
        ip(&["link", "set", &theirs, "netns", &net.name]);
        ip(&["addr", "add", &format!("{}/24", net.gateway()), "dev", &ours]);
        ip(&["link", "set", &ours, "up"]);
        net.inside(&["addr", "add", &format!("{}/24", net.address(2)), "dev", &theirs]);
        net.inside(&["link", "set", "lo", "up"]);
        net.inside(&["link", "set", &theirs, "up"]);
        net.inside(&["route", "add", "default", "via", &net.gateway().to_string()]);
        net
    }

    /// Its name, for `ip netns exec`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// This side's address, which the program reaches.
    pub fn gateway(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// Pulls the cable: the program's end has no carrier, and loses its address as if a network had gone.
    pub fn unplug(&self) {
        ip(&["link", "set", &self.ours(), "down"]);
    }

    /// Puts it back.
    pub fn plug(&self) {
        ip(&["link", "set", &self.ours(), "up"]);
    }

    /// Gives the program's end another address: it is on another network now, and what was open is dead.
    pub fn change_address(&self) {
        let before = self.host.fetch_add(1, Ordering::Relaxed);
        let theirs = self.theirs();
        self.inside(&["addr", "add", &format!("{}/24", self.address(before + 1)), "dev", &theirs]);
        self.inside(&["addr", "del", &format!("{}/24", self.address(before)), "dev", &theirs]);
        self.inside(&["addr", "add", &format!("{}/24", self.address(before + 1)), "dev", &theirs]);
        self.inside(&["route", "replace", "default", "via", &self.gateway().to_string()]);
    }

    fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, host)
    }

    /// Names of at most 15 letters.
    fn ours(&self) -> String {
        format!("e2e{}o", self.number)
    }

    fn theirs(&self) -> String {
        format!("e2e{}t", self.number)
    }

    fn inside(&self, arguments: &[&str]) {
        let status = run(&[&["netns", "exec", &self.name, "ip"], arguments].concat());
        // An address that is there already was kept by the kernel: well.
        assert!(status.success() || arguments[1] == "add", "ip {arguments:?} in {}", self.name);
    }
}

impl Default for Netns {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        run(&["link", "del", &self.ours()]);
        run(&["netns", "del", &self.name]);
    }
}

fn ip(arguments: &[&str]) {
    assert!(run(arguments).success(), "ip {arguments:?}");
}

fn run(arguments: &[&str]) -> ExitStatus {
    let mut command = Command::new("ip");
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    command.status().expect("iproute2 is installed")
}
