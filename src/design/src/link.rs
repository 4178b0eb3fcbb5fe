//! A design as a link: JSON, compressed (DEFLATE, RFC 1951) and spelled in the letters of links (base64url, RFC 4648), with a
//! version before it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use scale_sim::limits;

use crate::{Design, file};

/// What stands before version 1.
const VERSION: &str = "1.";
/// The longest link that is made or read, in characters: what common servers and chat programs still pass on is shorter.
pub const LONGEST: usize = 60_000;
/// How hard it is compressed, 0 to 10.
const LEVEL: u8 = 9;

/// The design as the last part of a link.
///
/// # Errors
///
/// A design that is too large for a link, in one sentence.
pub fn write(design: &Design) -> Result<String, String> {
    let link = pack(&file::tree(design).to_string());
    if link.len() > LONGEST {
        return Err(format!(
            "The design is too large for a link: {} characters, of at most {LONGEST}. Save it as a file instead.",
            link.len()
        ));
    }
    Ok(link)
}

/// Reads the design of a link.
///
/// # Errors
///
/// What is wrong with it, in one sentence.
pub fn read(link: &str) -> Result<Design, String> {
    if link.len() > LONGEST {
        return Err(format!(
            "The link has {} characters: at most {LONGEST} are read.",
            link.len()
        ));
    }
    let text = unpack(link)?;
    file::read(&text)
}

/// A text, compressed and in letters.
pub fn pack(text: &str) -> String {
    let compressed = compress_to_vec(text.as_bytes(), LEVEL);
    format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(compressed))
}

/// The text that was packed.
///
/// # Errors
///
/// What is wrong with it, in one sentence. A text of more than [`limits::FILE_BYTES`] is never unpacked.
pub fn unpack(packed: &str) -> Result<String, String> {
    let Some(rest) = packed.strip_prefix(VERSION) else {
        let version: String = packed
            .chars()
            .take_while(char::is_ascii_digit)
            .take(6)
            .collect();
        return Err(if version.is_empty() || !packed.contains('.') {
            "The link holds no design: part of it may be missing.".to_owned()
        } else {
            format!(
                "The link is of version {version}, and this page reads version 1: load the page again to get a newer one."
            )
        });
    };
    let cut = "The link is damaged: part of it is missing or was changed on the way.";
    let compressed = URL_SAFE_NO_PAD.decode(rest).map_err(|_| cut.to_owned())?;
    let text = decompress_to_vec_with_limit(&compressed, limits::FILE_BYTES)
        .map_err(|_| format!("{cut} Or it holds more than {} bytes.", limits::FILE_BYTES))?;
    String::from_utf8(text).map_err(|_| cut.to_owned())
}
