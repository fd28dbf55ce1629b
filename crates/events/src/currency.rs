//! ISO 4217 alphabetic codes and their minor units.

/// Active ISO 4217 codes, sorted.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV \
BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD \
EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK \
JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT \
MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR \
RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP \
TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD \
XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG";

/// Whether `code` is an active ISO 4217 alphabetic code. Case matters.
pub fn is_iso4217(code: &str) -> bool {
    // Every code is three letters and a space, so the list is a table of four-byte rows.
    let Ok(wanted) = <[u8; 3]>::try_from(code.as_bytes()) else { return false };
    let rows = CODES.len().div_ceil(4);
    let row = |n: usize| &CODES.as_bytes()[n * 4..n * 4 + 3];
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = low.midpoint(high);
        match row(middle).cmp(&wanted[..]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

/// Digits of the minor unit: 2 for EUR (cents), 0 for JPY, 3 for KWD. `None` where `code` is not a
/// currency or has no minor unit (gold, test codes).
/// Source: ISO 4217 list one, column "minor unit".
pub fn minor_digits(code: &str) -> Option<u32> {
    if !is_iso4217(code) {
        return None;
    }
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => Some(0),
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => Some(3),
        "CLF" | "UYW" => Some(4),
        "XAG" | "XAU" | "XBA" | "XBB" | "XBC" | "XBD" | "XDR" | "XPD" | "XPT" | "XSU" | "XTS"
        | "XUA" | "XXX" => None,
        _ => Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_code_is_found() {
        let codes: Vec<&str> = CODES.split(' ').collect();
        assert!(codes.is_sorted());
        assert!(codes.iter().all(|code| code.len() == 3 && is_iso4217(code)));
    }

    #[test]
    fn what_is_no_code_is_not_found() {
        for text in ["", "EU", "EURO", "eur", "ZZZ", "AAA"] {
            assert!(!is_iso4217(text), "{text}");
        }
    }

    #[test]
    fn minor_digits_are_those_of_the_currency() {
        let digits = ["EUR", "JPY", "KWD", "CLF", "XAU", "EURO"].map(minor_digits);
        assert_eq!(digits, [Some(2), Some(0), Some(3), Some(4), None, None]);
    }
}
