//! From the bytes of a body to its text.
//!
//! Not here: reading them. Invariants: never fails; UTF-8, which nearly everybody sends, is taken over without a copy.

use encoding_rs::Encoding;

/// How far into a page it may say how it is encoded, as in browsers.
const DECLARED_WITHIN: usize = 1_024;

/// The text: by the `charset` of the header, else by what a page says of itself, else as UTF-8.
pub(in crate::probe) fn text(bytes: Vec<u8>, content_type: Option<&str>) -> String {
    // Some Chinese text in GBK is well-formed UTF-8 as well, so what is declared comes before what fits.
    let declared = content_type.and_then(|kind| charset(kind.as_bytes())).or_else(|| {
        let page = content_type.is_none_or(|kind| kind.contains("html"));
        if page && !bytes.is_ascii() { charset(&bytes[..bytes.len().min(DECLARED_WITHIN)]) } else { None }
    });
    match declared.filter(|encoding| *encoding != encoding_rs::UTF_8) {
        Some(encoding) => encoding.decode(&bytes).0.into_owned(),
        None => String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The encoding behind the first `charset=`.
fn charset(text: &[u8]) -> Option<&'static Encoding> {
    const KEY: &[u8] = b"charset=";
    let at = text.windows(KEY.len()).position(|part| part.eq_ignore_ascii_case(KEY))?;
    let value = text[at + KEY.len()..].trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|b| b"\"'; />\r\n\t".contains(b)).unwrap_or(value.len());
    Encoding::for_label(&value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_pages_are_read_by_header_by_declaration_or_as_utf_8() {
        let gbk = [&b"<meta charset='gbk'>"[..], &[0xcf, 0xb5, 0xcd, 0xb3]].concat();
        assert_eq!(text(gbk.clone(), Some("text/html; charset=GB18030")), "<meta charset='gbk'>系统");
        assert_eq!(text(gbk.clone(), Some("text/html")), "<meta charset='gbk'>系统");
        assert!(text(gbk, Some("text/html; charset=utf-8")).ends_with("ϵͳ"), "the header wins");
        assert_eq!(text("系统".into(), Some("text/html")), "系统");
        assert_eq!(text("系统".into(), Some("text/html; charset=no-such")), "系统");
        assert_eq!(text("系统".into(), None), "系统");
    }
}
