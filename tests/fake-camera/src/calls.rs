//! The answers to a program's ioctls, as a UVC driver gives them.

use std::sync::Arc;

use crate::config::{FourCc, Interval, MJPG, Mode};
use crate::device::{Device, Errno, Filled, State};
use crate::v4l2::{self, put_text};

/// Answers `request` with its argument at `argument`.
///
/// # Safety
/// `argument` must point to what the request says, as for the system's ioctl.
pub(crate) unsafe fn answer(device: &Arc<Device>, request: u32, argument: *mut u8) -> Result<(), Errno> {
    // SAFETY: the caller's promise; the request's number contains the size of its argument.
    unsafe {
        match request {
            v4l2::QBUF => queue(device, &mut *argument.cast()),
            v4l2::DQBUF => dequeue(device, &mut *argument.cast()),
            _ => {
                device.check_present()?;
                answer_setup(device, request, argument)
            }
        }
    }
}

/// # Safety
/// As for [`answer`].
unsafe fn answer_setup(device: &Arc<Device>, request: u32, argument: *mut u8) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe {
        match request {
            v4l2::QUERYCAP => capability(device, &mut *argument.cast()),
            v4l2::ENUM_FMT => format_description(device, &mut *argument.cast()),
            v4l2::ENUM_FRAMESIZES => frame_size(device, &mut *argument.cast()),
            v4l2::ENUM_FRAMEINTERVALS => frame_interval(device, &mut *argument.cast()),
            v4l2::G_FMT => get_format(device, &mut *argument.cast()),
            v4l2::S_FMT => set_format(device, &mut *argument.cast(), true),
            v4l2::TRY_FMT => set_format(device, &mut *argument.cast(), false),
            v4l2::G_PARM => get_parameters(device, &mut *argument.cast()),
            v4l2::S_PARM => set_parameters(device, &mut *argument.cast()),
            v4l2::REQBUFS => request_buffers(device, &mut *argument.cast()),
            v4l2::QUERYBUF => query_buffer(device, &mut *argument.cast()),
            v4l2::STREAMON => device.start(),
            v4l2::STREAMOFF => {
                device.stop();
                Ok(())
            }
            v4l2::ENUMINPUT => input(&mut *argument.cast()),
            v4l2::G_INPUT => {
                *argument.cast::<i32>() = 0;
                Ok(())
            }
            v4l2::S_INPUT if *argument.cast::<i32>() == 0 => Ok(()),
            v4l2::S_INPUT | v4l2::QUERYCTRL | v4l2::QUERY_EXT_CTRL | v4l2::G_CTRL | v4l2::S_CTRL => {
                Err(libc::EINVAL)
            }
            _ => Err(libc::ENOTTY),
        }
    }
}

fn check_kind(kind: u32) -> Result<(), Errno> {
    if kind == v4l2::BUF_TYPE_VIDEO_CAPTURE { Ok(()) } else { Err(libc::EINVAL) }
}

fn capability(device: &Device, out: &mut v4l2::Capability) -> Result<(), Errno> {
    put_text(&mut out.driver, &device.camera.driver);
    put_text(&mut out.card, &device.camera.card);
    put_text(&mut out.bus_info, &device.camera.bus);
    out.version = 6 << 16 | 1 << 8;
    out.device_caps = v4l2::CAP_VIDEO_CAPTURE | v4l2::CAP_STREAMING;
    out.capabilities = out.device_caps | v4l2::CAP_DEVICE_CAPS;
    out.reserved = [0; 3];
    Ok(())
}

/// Element `index` of the values that `of` gives, each once, in order.
fn nth<T: PartialEq>(modes: &[Mode], index: u32, of: impl Fn(&Mode) -> Option<T>) -> Result<T, Errno> {
    let mut seen = Vec::new();
    for value in modes.iter().filter_map(of) {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen.into_iter().nth(index as usize).ok_or(libc::EINVAL)
}

fn format_description(device: &Device, out: &mut v4l2::FormatDescription) -> Result<(), Errno> {
    check_kind(out.kind)?;
    let format = nth(&device.camera.modes, out.index, |mode| Some(mode.format))?;
    out.flags = if format == MJPG { v4l2::FORMAT_COMPRESSED } else { 0 };
    out.pixel_format = format;
    put_text(&mut out.description, &String::from_utf8_lossy(&format.to_le_bytes()));
    Ok(())
}

fn frame_size(device: &Device, out: &mut v4l2::FrameSize) -> Result<(), Errno> {
    let format = out.pixel_format;
    let of = |mode: &Mode| (mode.format == format).then_some((mode.width, mode.height));
    (out.width, out.height) = nth(&device.camera.modes, out.index, of)?;
    out.kind = v4l2::DISCRETE;
    Ok(())
}

fn frame_interval(device: &Device, out: &mut v4l2::FrameInterval) -> Result<(), Errno> {
    let wanted = (out.pixel_format, out.width, out.height);
    let of = |mode: &Mode| ((mode.format, mode.width, mode.height) == wanted).then_some(mode.interval);
    let interval = nth(&device.camera.modes, out.index, of)?;
    out.kind = v4l2::DISCRETE;
    (out.numerator, out.denominator) = (interval.numerator, interval.denominator);
    Ok(())
}

fn put_format(out: &mut v4l2::Format, mode: Mode) {
    (out.width, out.height, out.pixel_format) = (mode.width, mode.height, mode.format);
    out.field = v4l2::FIELD_NONE;
    out.bytes_per_line = mode.bytes_per_line();
    out.size_image = mode.size_image();
    out.colorspace = if mode.format == MJPG { v4l2::COLORSPACE_JPEG } else { v4l2::COLORSPACE_SRGB };
    (out.private, out.flags, out.encoding, out.quantization, out.transfer) = (0, 0, 0, 0, 0);
}

fn get_format(device: &Device, out: &mut v4l2::Format) -> Result<(), Errno> {
    check_kind(out.kind)?;
    put_format(out, device.state().mode.ok_or(libc::EINVAL)?);
    Ok(())
}

fn set_format(device: &Device, wanted: &mut v4l2::Format, apply: bool) -> Result<(), Errno> {
    check_kind(wanted.kind)?;
    if apply {
        device.check_free()?;
    }
    let mut state = device.state();
    let interval = state.mode.map(|mode| mode.interval);
    let modes = &device.camera.modes;
    let mode =
        nearest(modes, wanted.pixel_format, (wanted.width, wanted.height), interval).ok_or(libc::EINVAL)?;
    put_format(wanted, mode);
    if apply {
        if state.memory.is_some() {
            return Err(libc::EBUSY);
        }
        state.mode = Some(mode);
    }
    Ok(())
}

/// The mode of the wanted format (else of the first one) nearest in size, at the present rate if it has it.
fn nearest(modes: &[Mode], format: FourCc, size: (u32, u32), interval: Option<Interval>) -> Option<Mode> {
    let format = if modes.iter().any(|mode| mode.format == format) { format } else { modes.first()?.format };
    modes
        .iter()
        .filter(|mode| mode.format == format)
        .min_by_key(|mode| {
            let off = mode.width.abs_diff(size.0) + mode.height.abs_diff(size.1);
            (off, Some(mode.interval) != interval)
        })
        .copied()
}

fn put_interval(out: &mut v4l2::StreamParameters, interval: Interval) {
    out.capability = v4l2::CAP_TIME_PER_FRAME;
    (out.mode, out.extended, out.read_buffers) = (0, 0, 0);
    (out.numerator, out.denominator) = (interval.numerator, interval.denominator);
}

fn get_parameters(device: &Device, out: &mut v4l2::StreamParameters) -> Result<(), Errno> {
    check_kind(out.kind)?;
    put_interval(out, device.state().mode.ok_or(libc::EINVAL)?.interval);
    Ok(())
}

fn set_parameters(device: &Device, wanted: &mut v4l2::StreamParameters) -> Result<(), Errno> {
    check_kind(wanted.kind)?;
    device.check_free()?;
    let mut state = device.state();
    let mode = state.mode.ok_or(libc::EINVAL)?;
    let seconds = f64::from(wanted.numerator) / f64::from(wanted.denominator.max(1));
    let same = |other: &&Mode| Mode { interval: mode.interval, ..**other } == mode;
    let off = |other: &Mode| (other.interval.seconds() - seconds).abs();
    let chosen = device.camera.modes.iter().filter(same).min_by(|a, b| off(a).total_cmp(&off(b))).copied();
    // Zero asks for the device's own choice.
    if let (Some(chosen), true) = (chosen, wanted.numerator > 0) {
        state.mode = Some(chosen);
    }
    put_interval(wanted, state.mode.unwrap_or(mode).interval);
    Ok(())
}

fn request_buffers(device: &Device, wanted: &mut v4l2::RequestBuffers) -> Result<(), Errno> {
    check_kind(wanted.kind)?;
    if wanted.memory != v4l2::MEMORY_MMAP {
        return Err(libc::EINVAL);
    }
    if wanted.count > 0 {
        device.check_free()?;
        wanted.count = wanted.count.clamp(2, 32);
    }
    (wanted.capabilities, wanted.flags) = (1, 0);
    device.allocate(wanted.count as usize)
}

fn check_buffer(state: &State, buffer: &v4l2::Buffer) -> Result<usize, Errno> {
    check_kind(buffer.kind)?;
    let index = buffer.index as usize;
    match &state.memory {
        Some(memory) if index < memory.count => Ok(index),
        _ => Err(libc::EINVAL),
    }
}

fn put_buffer(state: &State, index: usize, out: &mut v4l2::Buffer) {
    let Some(memory) = &state.memory else { return };
    let queued = if state.queued.contains(&index) { v4l2::BUF_QUEUED } else { 0 };
    let done = if state.done.iter().any(|filled| filled.index == index) { v4l2::BUF_DONE } else { 0 };
    out.index = index as u32;
    out.kind = v4l2::BUF_TYPE_VIDEO_CAPTURE;
    out.flags = v4l2::BUF_MAPPED | v4l2::BUF_TIMESTAMP_MONOTONIC | queued | done;
    out.field = v4l2::FIELD_NONE;
    out.memory = v4l2::MEMORY_MMAP;
    out.offset = (index * memory.stride) as u64;
    out.length = memory.size as u32;
}

fn query_buffer(device: &Device, out: &mut v4l2::Buffer) -> Result<(), Errno> {
    let state = device.state();
    let index = check_buffer(&state, out)?;
    put_buffer(&state, index, out);
    out.bytes_used = 0;
    Ok(())
}

fn queue(device: &Device, buffer: &mut v4l2::Buffer) -> Result<(), Errno> {
    let mut state = device.state();
    if state.is_gone() {
        return Err(libc::ENODEV);
    }
    let index = check_buffer(&state, buffer)?;
    if state.queued.contains(&index) || state.done.iter().any(|filled| filled.index == index) {
        return Err(libc::EINVAL);
    }
    state.queued.push_back(index);
    put_buffer(&state, index, buffer);
    Ok(())
}

fn dequeue(device: &Device, out: &mut v4l2::Buffer) -> Result<(), Errno> {
    check_kind(out.kind)?;
    let Filled { index, used, due, sequence } = device.take_done()?;
    put_buffer(&device.state(), index, out);
    out.bytes_used = used;
    out.sequence = sequence;
    out.seconds = (due / 1_000_000_000) as i64;
    out.microseconds = (due % 1_000_000_000 / 1000) as i64;
    Ok(())
}

fn input(out: &mut v4l2::Input) -> Result<(), Errno> {
    if out.index != 0 {
        return Err(libc::EINVAL);
    }
    put_text(&mut out.name, "Camera 1");
    out.kind = v4l2::INPUT_CAMERA;
    (out.audio_set, out.tuner, out.standard, out.status, out.capabilities) = (0, 0, 0, 0, 0);
    Ok(())
}
