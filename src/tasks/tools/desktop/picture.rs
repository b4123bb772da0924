//! Pictures of the screen: how large one is, and one that is easier to read for a machine. Knows nothing of
//! what takes them or reads them.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

/// Letters of a screen are about ten pixels high, and a reader was made for more. Twice as large it read a
/// terminal's text best (mean confidence 0.82, 0.89, 0.87 and 0.88 for 1 to 4 times).
const ENLARGED: u32 = 2;
/// Pixels of an enlarged picture at most: beyond it reading takes longer than anybody waits.
const MOST_PIXELS: u64 = 12_000_000;
/// Bytes of a decoded picture at most.
const MOST_BYTES: usize = 512 << 20;

/// Width and height of a PNG in pixels.
///
/// # Errors
/// In plain words, for what is no PNG.
pub(super) fn size(path: &Path) -> Result<(u32, u32), String> {
    let info = decoder(path)?.read_info().map_err(|error| no_picture(path, &error))?;
    Ok(info.info().size())
}

/// Writes the picture at `from` to `to`, grey and enlarged. Gives the factor.
///
/// # Errors
/// In plain words, for what is no PNG, and for a full disk.
pub(super) fn enlarge(from: &Path, to: &Path) -> Result<u32, String> {
    let mut decoder = decoder(from)?;
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| no_picture(from, &error))?;
    let bytes = reader.output_buffer_size().filter(|bytes| *bytes <= MOST_BYTES);
    let mut pixels = vec![0; bytes.ok_or_else(|| format!("{} is too large", from.display()))?];
    let info = reader.next_frame(&mut pixels).map_err(|error| no_picture(from, &error))?;
    let grey: Vec<u8> = pixels[..info.buffer_size()]
        .chunks_exact(info.color_type.samples())
        .map(brightness)
        .collect();
    let (width, height) = (info.width, info.height);
    let fits = |factor: &u32| u64::from(width * factor) * u64::from(height * factor) <= MOST_PIXELS;
    let factor = (1..=ENLARGED).rev().find(fits).unwrap_or(1);
    let large = enlarged(&grey, width as usize, height as usize, factor as usize);
    let written = File::create(to).map_err(png::EncodingError::from).and_then(|file| {
        let mut encoder = png::Encoder::new(BufWriter::new(file), width * factor, height * factor);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_compression(png::Compression::Fast);
        encoder.write_header()?.write_image_data(&large)
    });
    written.map_err(|error| format!("{} cannot be written: {error}", to.display()))?;
    Ok(factor)
}

fn decoder(path: &Path) -> Result<png::Decoder<BufReader<File>>, String> {
    let file = File::open(path).map_err(|error| no_picture(path, &error))?;
    Ok(png::Decoder::new(BufReader::new(file)))
}

fn no_picture(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{} is no picture that can be read: {why}", path.display())
}

/// Of one pixel of one to four samples.
fn brightness(pixel: &[u8]) -> u8 {
    match pixel {
        [red, green, blue, ..] => {
            let sum = 299 * u32::from(*red) + 587 * u32::from(*green) + 114 * u32::from(*blue);
            (sum / 1000).min(255) as u8
        }
        [grey, ..] => *grey,
        [] => 0,
    }
}

/// Every pixel between four others is mixed of them, by how near it lies to each.
fn enlarged(grey: &[u8], width: usize, height: usize, factor: usize) -> Vec<u8> {
    if factor == 1 {
        return grey.to_vec();
    }
    let mut large = Vec::with_capacity(grey.len() * factor * factor);
    // Doubled, so that the middle of a pixel is a whole number.
    let places = |large: usize, most: usize| {
        let twice = (2 * large + 1).saturating_sub(factor);
        let before = (twice / (2 * factor)).min(most - 1);
        (before, (before + 1).min(most - 1), twice % (2 * factor))
    };
    for y in 0..height * factor {
        let (above, below, down) = places(y, height);
        for x in 0..width * factor {
            let (left, right, across) = places(x, width);
            let at = |row: usize, column: usize| usize::from(grey[row * width + column]);
            let mixed = |row| at(row, left) * (2 * factor - across) + at(row, right) * across;
            let value = mixed(above) * (2 * factor - down) + mixed(below) * down;
            large.push((value / (4 * factor * factor)) as u8);
        }
    }
    large
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, the text on a screen is read from a spoiled picture, or looked for in the wrong place.
    #[test]
    fn a_picture_is_enlarged_without_moving_anything() {
        let folder = tempfile::tempdir().unwrap();
        let (small, large) = (folder.path().join("small.png"), folder.path().join("large.png"));
        let mut encoder = png::Encoder::new(File::create(&small).unwrap(), 4, 3);
        encoder.set_color(png::ColorType::Rgb);
        let mut pixels = [255u8; 4 * 3 * 3];
        pixels[(4 + 2) * 3..(4 + 3) * 3].fill(0);
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        assert_eq!(size(&small).unwrap(), (4, 3));
        assert_eq!(enlarge(&small, &large).unwrap(), 2);
        assert_eq!(size(&large).unwrap(), (8, 6));
        let mut reader =
            png::Decoder::new(BufReader::new(File::open(&large).unwrap())).read_info().unwrap();
        let mut grey = vec![0; 8 * 6];
        reader.next_frame(&mut grey).unwrap();
        // The dark pixel is four of them now, equally dark, and no other is as dark.
        let darkest = *grey.iter().min().unwrap();
        let dark: Vec<_> = (0..48).filter(|place| grey[*place] == darkest).collect();
        assert_eq!(dark, [8 * 2 + 4, 8 * 2 + 5, 8 * 3 + 4, 8 * 3 + 5]);
        assert_eq!((grey[0], grey[47]), (255, 255));
    }

    // If this fails, a broken picture ends the program.
    #[test]
    fn what_is_no_picture_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", b"GIF89a"] {
            std::fs::write(&path, bytes).unwrap();
            assert!(size(&path).unwrap_err().contains("no picture"));
            assert!(enlarge(&path, &folder.path().join("b.png")).is_err());
        }
    }
}
