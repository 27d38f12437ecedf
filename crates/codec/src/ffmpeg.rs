//! What every module here needs of FFmpeg, and ffmpeg-next does not offer.

use std::ffi::{c_int, c_void};
use std::sync::{Arc, Once};

use ffmpeg_next::{ffi, frame};
use media::VideoFrame;

use crate::Error;

/// Prepares FFmpeg once a process: its own log stays silent, since its errors come back typed.
pub(crate) fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = ffmpeg_next::init() {
            tracing::error!(%error, "FFmpeg could not be initialised");
        }
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
    });
}

/// Lends a pooled frame to FFmpeg without copying its pixels; they are read, never written.
pub(crate) fn lend(frame: &Arc<VideoFrame>) -> frame::Video {
    let mut lent = frame::Video::empty();
    let size = frame.size();
    lent.set_width(size.width);
    lent.set_height(size.height);
    lent.set_format(ffmpeg_next::format::Pixel::YUV420P);
    lent.set_color_space(ffmpeg_next::color::Space::BT709);
    lent.set_color_range(ffmpeg_next::color::Range::MPEG);
    let planes = frame.planes();
    let owner = Box::into_raw(Box::new(frame.clone()));
    // Safety: the buffer reference owns a clone of the Arc, released by `release` when FFmpeg drops its
    // last reference, so the planes outlive every pointer to them; READONLY keeps FFmpeg from writing.
    unsafe {
        let raw = lent.as_mut_ptr();
        for (at, plane) in planes.iter().enumerate() {
            (*raw).data[at] = plane.data.as_ptr().cast_mut();
            (*raw).linesize[at] = plane.stride as c_int;
        }
        (*raw).buf[0] = ffi::av_buffer_create(
            planes[0].data.as_ptr().cast_mut(),
            planes[0].data.len() as _,
            Some(release),
            owner.cast(),
            ffi::AV_BUFFER_FLAG_READONLY as c_int,
        );
        if (*raw).buf[0].is_null() {
            // FFmpeg copies frames without a buffer, so this costs a copy and nothing else.
            drop(Box::from_raw(owner));
        }
    }
    lent
}

/// What an open encoder says of its stream.
pub(crate) fn extradata(encoder: &ffmpeg_next::codec::Context) -> &[u8] {
    // Safety: an open encoder's extradata is valid for its stated size, and for as long as the encoder.
    unsafe {
        let raw = encoder.as_ptr();
        match (*raw).extradata.is_null() {
            true => &[],
            false => std::slice::from_raw_parts((*raw).extradata, (*raw).extradata_size as usize),
        }
    }
}

/// The packets that an encoder has ready, made ours by `make`.
pub(crate) fn receive<T>(
    encoder: &mut ffmpeg_next::encoder::Encoder,
    what: &'static str,
    mut make: impl FnMut(&ffmpeg_next::Packet) -> T,
) -> Result<Vec<T>, Error> {
    let mut made = Vec::new();
    let mut packet = ffmpeg_next::Packet::empty();
    loop {
        match encoder.receive_packet(&mut packet) {
            Ok(()) => made.push(make(&packet)),
            Err(ffmpeg_next::Error::Eof) => break,
            Err(ffmpeg_next::Error::Other { errno }) if errno == ffmpeg_next::error::EAGAIN => break,
            Err(error) => return Err(Error::codec(what)(error)),
        }
    }
    Ok(made)
}

/// Called by FFmpeg when the last reference to a lent frame is gone.
unsafe extern "C" fn release(owner: *mut c_void, _data: *mut u8) {
    // Safety: `owner` came from `Box::into_raw` in `lend` and is released exactly once.
    drop(unsafe { Box::from_raw(owner.cast::<Arc<VideoFrame>>()) });
}
