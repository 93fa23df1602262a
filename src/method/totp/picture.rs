//! The picture that an authenticator app scans: a QR code as PNG in a `data:` address.
use data_encoding::BASE64;
use qrcode::{Color, QrCode};

/// Both sides of the picture, in dots.
pub(super) const SIDE: usize = 256;
/// White dots around the code, in modules (ISO 18004).
const QUIET: usize = 4;

/// `None`: the text is too long for a picture of this size.
pub(super) fn of(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let scale = SIDE / (width + 2 * QUIET);
    if scale == 0 {
        return None;
    }
    let colors = code.to_colors();
    let margin = (SIDE - scale * width) / 2;
    let mut dots = vec![0xff; SIDE * SIDE];
    for (place, _) in colors
        .iter()
        .enumerate()
        .filter(|(_, c)| **c == Color::Dark)
    {
        let (x, y) = (place % width, place / width);
        for row in 0..scale {
            let start = (margin + y * scale + row) * SIDE + margin + x * scale;
            dots[start..start + scale].fill(0);
        }
    }
    let mut out = vec![];
    let side = u32::try_from(SIDE).ok()?;
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&dots).ok()?;
    writer.finish().ok()?;
    Some(format!("data:image/png;base64,{}", BASE64.encode(&out)))
}
