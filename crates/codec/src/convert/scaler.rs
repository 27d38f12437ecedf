//! FFmpeg's scaler between borrowed planes.

use std::ffi::c_int;
use std::ptr;
use std::sync::Arc;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::{ffi, frame};
use media::video::PixelFormat;
use media::{Picture, Size, VideoFrame};

use super::Quality;
use crate::Error;

/// Pointers and strides of a picture that somebody else owns for `'a`.
pub(crate) struct Source<'a> {
    pub(crate) format: Pixel,
    planes: [*const u8; 4],
    strides: [c_int; 4],
    owner: std::marker::PhantomData<&'a ()>,
}

impl<'a> Source<'a> {
    /// The planes of a decoded JPEG. Full-range formats are named as their limited twins, since the
    /// range is converted together with the matrix, once.
    pub(crate) fn of_frame(frame: &'a frame::Video) -> Self {
        let format = limited_twin(frame.format());
        // Safety: reads the frame's own arrays; the pointers live as long as the borrowed frame.
        let (data, linesize) = unsafe { ((*frame.as_ptr()).data, (*frame.as_ptr()).linesize) };
        Self {
            format,
            planes: [data[0], data[1], data[2], data[3]].map(|plane| plane.cast_const()),
            strides: [linesize[0], linesize[1], linesize[2], linesize[3]],
            owner: std::marker::PhantomData,
        }
    }

    /// The planes of a pooled frame.
    fn of_pooled(frame: &'a VideoFrame) -> Self {
        let [y, u, v] = frame.planes();
        Self {
            format: Pixel::YUV420P,
            planes: [y.data.as_ptr(), u.data.as_ptr(), v.data.as_ptr(), ptr::null()],
            strides: [y.stride as c_int, u.stride as c_int, v.stride as c_int, 0],
            owner: std::marker::PhantomData,
        }
    }

    /// The planes of an uncompressed picture, whose length the caller has checked.
    pub(crate) fn of_picture(picture: &'a Picture) -> Self {
        let width = picture.size.width as usize;
        let luma = picture.size.area() as usize;
        let chroma = width.div_ceil(2) * (picture.size.height as usize).div_ceil(2);
        let base = picture.data.as_ptr();
        let at = |offset: usize| picture.data.get(offset..).map_or(ptr::null(), |rest| rest.as_ptr());
        let (format, planes, strides) = match picture.format {
            PixelFormat::Yuyv => (Pixel::YUYV422, [base, ptr::null(), ptr::null()], [width * 2, 0, 0]),
            PixelFormat::Nv12 => {
                (Pixel::NV12, [base, at(luma), ptr::null()], [width, width.next_multiple_of(2), 0])
            }
            PixelFormat::Bgra => (Pixel::BGRA, [base, ptr::null(), ptr::null()], [width * 4, 0, 0]),
            PixelFormat::Rgb24 => (Pixel::RGB24, [base, ptr::null(), ptr::null()], [width * 3, 0, 0]),
            PixelFormat::I420 | PixelFormat::Mjpeg => (
                Pixel::YUV420P,
                [base, at(luma), at(luma + chroma)],
                [width, width.div_ceil(2), width.div_ceil(2)],
            ),
        };
        Self {
            format,
            planes: [planes[0], planes[1], planes[2], ptr::null()],
            strides: [strides[0] as c_int, strides[1] as c_int, strides[2] as c_int, 0],
            owner: std::marker::PhantomData,
        }
    }
}

/// The same layout by the name that does not also say "full range"; every other format as it is.
pub(crate) const fn limited_twin(format: Pixel) -> Pixel {
    match format {
        Pixel::YUVJ411P => Pixel::YUV411P,
        Pixel::YUVJ420P => Pixel::YUV420P,
        Pixel::YUVJ422P => Pixel::YUV422P,
        Pixel::YUVJ440P => Pixel::YUV440P,
        Pixel::YUVJ444P => Pixel::YUV444P,
        other => other,
    }
}

/// One set-up of FFmpeg's scaler, from one size and format to another size.
pub(crate) struct Scaler {
    context: *mut ffi::SwsContext,
    from: Size,
    to: Size,
}

// Safety: a scaler context is plain memory; it is used by whoever owns the `Scaler`, one at a time.
unsafe impl Send for Scaler {}

impl Scaler {
    /// From `format` at `from` to planar 4:2:0 at `to`.
    pub(crate) fn new(from: Size, format: Pixel, to: Size, quality: Quality) -> Result<Self, Error> {
        Self::between(from, format, to, Pixel::YUV420P, quality)
    }

    /// From planar 4:2:0 to NV12 of the same size, for encoders that take nothing else.
    pub(crate) fn to_nv12(size: Size) -> Result<Self, Error> {
        Self::between(size, Pixel::YUV420P, size, Pixel::NV12, Quality::Fast)
    }

    /// Between two pooled frames, for previews.
    pub(crate) fn shrink(from: Size, to: Size) -> Result<Self, Error> {
        Self::between(from, Pixel::YUV420P, to, Pixel::YUV420P, Quality::Fast)
    }

    fn between(from: Size, format: Pixel, to: Size, target: Pixel, quality: Quality) -> Result<Self, Error> {
        let flags = match quality {
            _ if from == to => ffi::SWS_POINT,
            Quality::Fine => ffi::SWS_BICUBIC,
            Quality::Fast => ffi::SWS_FAST_BILINEAR,
        };
        // Safety: plain values in, an owned pointer out, checked for null.
        let context = unsafe {
            ffi::sws_getContext(
                from.width as c_int,
                from.height as c_int,
                format.into(),
                to.width as c_int,
                to.height as c_int,
                target.into(),
                flags as _,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            )
        };
        if context.is_null() {
            return Err(Error::Codec {
                what: "setting up the scaler",
                reason: format!("{format:?} {from} to {to}"),
            });
        }
        if matches!(format, Pixel::BGRA | Pixel::RGB24) {
            // Safety: the context is valid; the coefficient tables are static.
            unsafe {
                let bt709 = ffi::sws_getCoefficients(ffi::SWS_CS_ITU709 as c_int);
                let rgb = ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT as c_int);
                ffi::sws_setColorspaceDetails(context, rgb, 1, bt709, 0, 0, 1 << 16, 1 << 16);
            }
        }
        Ok(Self { context, from, to })
    }

    /// Writes `source` into the middle of `frame`.
    pub(crate) fn run(&self, source: &Source<'_>, frame: &mut VideoFrame) {
        let size = frame.size();
        // Even offsets keep chroma on its grid.
        let left = ((size.width - self.to.width) / 4 * 2) as usize;
        let top = ((size.height - self.to.height) / 4 * 2) as usize;
        let [luma, u, v] = frame.planes_mut();
        let planes = [
            luma.0[top * luma.1 + left..].as_mut_ptr(),
            u.0[top / 2 * u.1 + left / 2..].as_mut_ptr(),
            v.0[top / 2 * v.1 + left / 2..].as_mut_ptr(),
            ptr::null_mut(),
        ];
        self.scale(source, planes, [luma.1 as c_int, u.1 as c_int, v.1 as c_int, 0]);
    }

    /// Writes one pooled frame into the middle of another.
    pub(crate) fn run_frame(&self, source: &VideoFrame, frame: &mut VideoFrame) {
        self.run(&Source::of_pooled(source), frame);
    }

    /// Repacks a pooled frame into FFmpeg's own NV12 one of the same size.
    pub(crate) fn frame_to_nv12(
        &mut self,
        frame: &Arc<VideoFrame>,
        nv12: &mut frame::Video,
    ) -> Result<(), Error> {
        // An encoder may still hold the last one. It is not made writable, since that would copy every
        // pixel only to have it overwritten.
        // Safety: a valid frame, which is only asked.
        if unsafe { ffi::av_frame_is_writable(nv12.as_mut_ptr()) } == 0 {
            *nv12 = frame::Video::new(Pixel::NV12, self.to.width, self.to.height);
        }
        // Safety: reads the frame's own arrays.
        let (data, linesize) = unsafe { ((*nv12.as_ptr()).data, (*nv12.as_ptr()).linesize) };
        if data[0].is_null() || data[1].is_null() {
            return Err(Error::Codec { what: "converting to NV12", reason: "out of memory".to_owned() });
        }
        self.scale(
            &Source::of_pooled(frame),
            [data[0], data[1], ptr::null_mut(), ptr::null_mut()],
            [linesize[0], linesize[1], 0, 0],
        );
        Ok(())
    }

    fn scale(&self, source: &Source<'_>, planes: [*mut u8; 4], strides: [c_int; 4]) {
        // Safety: the source's planes hold `from.height` rows (checked by whoever made it), the target's
        // hold `to.height` rows from the given pointers (a frame of at least that size).
        unsafe {
            ffi::sws_scale(
                self.context,
                source.planes.as_ptr(),
                source.strides.as_ptr(),
                0,
                self.from.height as c_int,
                planes.as_ptr(),
                strides.as_ptr(),
            );
        }
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // Safety: the context is ours and not used again.
        unsafe { ffi::sws_freeContext(self.context) }
    }
}

#[cfg(test)]
mod tests {
    use media::FramePool;

    use super::*;

    fn grey(pool: &FramePool, luma: u8) -> Arc<VideoFrame> {
        let mut frame = pool.take();
        frame.fill(luma, 128, 128);
        Arc::new(frame)
    }

    #[test]
    fn a_picture_that_an_encoder_still_holds_is_not_written_over() {
        let size = Size::new(64, 36);
        let (pool, mut scaler) = (FramePool::new(size, 2), Scaler::to_nv12(size).unwrap());
        let mut nv12 = frame::Video::new(Pixel::NV12, size.width, size.height);
        scaler.frame_to_nv12(&grey(&pool, 50), &mut nv12).unwrap();
        let first = nv12.data(0).as_ptr();
        // Safety: a new reference to a valid frame, as an encoder takes one, owned by the wrapper.
        let held = unsafe { frame::Video::wrap(ffi::av_frame_clone(nv12.as_ptr())) };
        scaler.frame_to_nv12(&grey(&pool, 200), &mut nv12).unwrap();
        assert_eq!((held.data(0)[0], nv12.data(0)[0], nv12.data(1)[0]), (50, 200, 128));
        assert_eq!(held.data(0).as_ptr(), first);
        drop(held);
        let second = nv12.data(0).as_ptr();
        scaler.frame_to_nv12(&grey(&pool, 100), &mut nv12).unwrap();
        assert_eq!(nv12.data(0).as_ptr(), second, "nobody holds it, so it is used again");
    }
}
