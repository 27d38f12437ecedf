//! What the web view must be told before it starts.

/// On Linux without a GPU the DMABUF renderer costs three times what plain drawing does (measured:
/// 61 % against 13 % of a core for a 640x360 preview), and with some drivers it shows nothing.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() {
    const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(SWITCH).is_none() && !has_gpu() {
        // Safety: called first thing in `main`, before any other thread exists.
        unsafe { std::env::set_var(SWITCH, "1") };
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() {}

/// A render node, and not NVIDIA's own driver, whose DMABUF support leaves windows blank.
#[cfg(target_os = "linux")]
fn has_gpu() -> bool {
    let render_node = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("renderD");
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    nodes.into_iter().any(render_node) && !std::path::Path::new("/proc/driver/nvidia").exists()
}
