//! The part of `linux/videodev2.h` that capture programs use, for 64-bit systems.

/// `_IOC` of `asm-generic/ioctl.h`, with 'V' as the type.
const fn request<T>(direction: u32, number: u32) -> u32 {
    direction << 30 | (size_of::<T>() as u32) << 16 | (b'V' as u32) << 8 | number
}

const WRITE: u32 = 1;
const READ: u32 = 2;
const BOTH: u32 = 3;

pub(crate) const QUERYCAP: u32 = request::<Capability>(READ, 0);
pub(crate) const ENUM_FMT: u32 = request::<FormatDescription>(BOTH, 2);
pub(crate) const G_FMT: u32 = request::<Format>(BOTH, 4);
pub(crate) const S_FMT: u32 = request::<Format>(BOTH, 5);
pub(crate) const REQBUFS: u32 = request::<RequestBuffers>(BOTH, 8);
pub(crate) const QUERYBUF: u32 = request::<Buffer>(BOTH, 9);
pub(crate) const QBUF: u32 = request::<Buffer>(BOTH, 15);
pub(crate) const DQBUF: u32 = request::<Buffer>(BOTH, 17);
pub(crate) const STREAMON: u32 = request::<i32>(WRITE, 18);
pub(crate) const STREAMOFF: u32 = request::<i32>(WRITE, 19);
pub(crate) const G_PARM: u32 = request::<StreamParameters>(BOTH, 21);
pub(crate) const S_PARM: u32 = request::<StreamParameters>(BOTH, 22);
pub(crate) const ENUMINPUT: u32 = request::<Input>(BOTH, 26);
pub(crate) const G_CTRL: u32 = request::<[u32; 2]>(BOTH, 27);
pub(crate) const S_CTRL: u32 = request::<[u32; 2]>(BOTH, 28);
pub(crate) const QUERYCTRL: u32 = request::<[u32; 17]>(BOTH, 36);
pub(crate) const G_INPUT: u32 = request::<i32>(READ, 38);
pub(crate) const S_INPUT: u32 = request::<i32>(BOTH, 39);
pub(crate) const TRY_FMT: u32 = request::<Format>(BOTH, 64);
pub(crate) const ENUM_FRAMESIZES: u32 = request::<FrameSize>(BOTH, 74);
pub(crate) const ENUM_FRAMEINTERVALS: u32 = request::<FrameInterval>(BOTH, 75);
pub(crate) const QUERY_EXT_CTRL: u32 = request::<[u32; 58]>(BOTH, 103);

pub(crate) const CAP_VIDEO_CAPTURE: u32 = 0x1;
pub(crate) const CAP_STREAMING: u32 = 0x0400_0000;
pub(crate) const CAP_DEVICE_CAPS: u32 = 0x8000_0000;
pub(crate) const CAP_TIME_PER_FRAME: u32 = 0x1000;
pub(crate) const BUF_TYPE_VIDEO_CAPTURE: u32 = 1;
pub(crate) const MEMORY_MMAP: u32 = 1;
pub(crate) const FIELD_NONE: u32 = 1;
pub(crate) const COLORSPACE_SRGB: u32 = 8;
pub(crate) const COLORSPACE_JPEG: u32 = 7;
pub(crate) const FORMAT_COMPRESSED: u32 = 1;
pub(crate) const DISCRETE: u32 = 1;
pub(crate) const INPUT_CAMERA: u32 = 2;
pub(crate) const BUF_MAPPED: u32 = 0x1;
pub(crate) const BUF_QUEUED: u32 = 0x2;
pub(crate) const BUF_DONE: u32 = 0x4;
pub(crate) const BUF_TIMESTAMP_MONOTONIC: u32 = 0x2000;

#[repr(C)]
pub(crate) struct Capability {
    pub(crate) driver: [u8; 16],
    pub(crate) card: [u8; 32],
    pub(crate) bus_info: [u8; 32],
    pub(crate) version: u32,
    pub(crate) capabilities: u32,
    pub(crate) device_caps: u32,
    pub(crate) reserved: [u32; 3],
}

#[repr(C)]
pub(crate) struct FormatDescription {
    pub(crate) index: u32,
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) description: [u8; 32],
    pub(crate) pixel_format: u32,
    pub(crate) mbus_code: u32,
    pub(crate) reserved: [u32; 3],
}

/// `v4l2_format` with its union as `v4l2_pix_format`; the union is aligned to 8 bytes.
#[repr(C)]
pub(crate) struct Format {
    pub(crate) kind: u32,
    pub(crate) padding: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixel_format: u32,
    pub(crate) field: u32,
    pub(crate) bytes_per_line: u32,
    pub(crate) size_image: u32,
    pub(crate) colorspace: u32,
    pub(crate) private: u32,
    pub(crate) flags: u32,
    pub(crate) encoding: u32,
    pub(crate) quantization: u32,
    pub(crate) transfer: u32,
    pub(crate) rest: [u32; 38],
}

#[repr(C)]
pub(crate) struct RequestBuffers {
    pub(crate) count: u32,
    pub(crate) kind: u32,
    pub(crate) memory: u32,
    pub(crate) capabilities: u32,
    pub(crate) flags: u32,
}

#[repr(C)]
pub(crate) struct Buffer {
    pub(crate) index: u32,
    pub(crate) kind: u32,
    pub(crate) bytes_used: u32,
    pub(crate) flags: u32,
    pub(crate) field: u32,
    pub(crate) padding: u32,
    pub(crate) seconds: i64,
    pub(crate) microseconds: i64,
    pub(crate) timecode: [u32; 4],
    pub(crate) sequence: u32,
    pub(crate) memory: u32,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) reserved: [u32; 3],
}

/// `v4l2_streamparm` with its union as `v4l2_captureparm`.
#[repr(C)]
pub(crate) struct StreamParameters {
    pub(crate) kind: u32,
    pub(crate) capability: u32,
    pub(crate) mode: u32,
    pub(crate) numerator: u32,
    pub(crate) denominator: u32,
    pub(crate) extended: u32,
    pub(crate) read_buffers: u32,
    pub(crate) rest: [u32; 44],
}

#[repr(C)]
pub(crate) struct Input {
    pub(crate) index: u32,
    pub(crate) name: [u8; 32],
    pub(crate) kind: u32,
    pub(crate) audio_set: u32,
    pub(crate) tuner: u32,
    pub(crate) standard: u64,
    pub(crate) status: u32,
    pub(crate) capabilities: u32,
    pub(crate) reserved: [u32; 3],
}

/// `v4l2_frmsizeenum` with its union as `v4l2_frmsize_discrete`.
#[repr(C)]
pub(crate) struct FrameSize {
    pub(crate) index: u32,
    pub(crate) pixel_format: u32,
    pub(crate) kind: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rest: [u32; 6],
}

/// `v4l2_frmivalenum` with its union as the discrete fraction.
#[repr(C)]
pub(crate) struct FrameInterval {
    pub(crate) index: u32,
    pub(crate) pixel_format: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) kind: u32,
    pub(crate) numerator: u32,
    pub(crate) denominator: u32,
    pub(crate) rest: [u32; 6],
}

// The sizes are part of the request numbers; a slip here would make every request unknown.
const _: () = {
    assert!(size_of::<Capability>() == 104);
    assert!(size_of::<FormatDescription>() == 64);
    assert!(size_of::<Format>() == 208);
    assert!(size_of::<RequestBuffers>() == 20);
    assert!(size_of::<Buffer>() == 88);
    assert!(size_of::<StreamParameters>() == 204);
    assert!(size_of::<Input>() == 80);
    assert!(size_of::<FrameSize>() == 44);
    assert!(size_of::<FrameInterval>() == 52);
};

/// Copies `text` into a fixed field, leaving room for its final zero.
pub(crate) fn put_text(field: &mut [u8], text: &str) {
    let length = text.len().min(field.len() - 1);
    field.fill(0);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}
