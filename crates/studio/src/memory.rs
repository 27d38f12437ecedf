//! How freed memory is kept.

/// Heaps that the C library may have (glibc's `M_ARENA_MAX`, mallopt(3)).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: libc::c_int = 2;

/// Keeps glibc from giving each new thread a heap of its own, whose freed memory no other thread uses: with every
/// reconnection some megabytes more were kept (docs/decisions.md). To be called before threads are begun.
pub fn share_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: a plain setting, made before there are other threads.
    if unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS) } == 0 {
        tracing::debug!("the C library keeps its own number of heaps");
    }
}
