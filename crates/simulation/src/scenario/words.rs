//! The words of one command: names first, then `key=value` options and flags in any order.

use omnifold_events::parse_time;
use omnifold_events::v1::Location;

/// What is wrong with a word.
pub type Fault = String;

/// The words of a command, taken one after the other.
pub struct Words<'a> {
    rest: Vec<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    /// Splits a line at blanks; words with `=` are options.
    pub fn of(line: &'a str) -> Self {
        let mut words = Words { rest: Vec::new(), options: Vec::new() };
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some(option) => words.options.push(option),
                None => words.rest.push(word),
            }
        }
        words.rest.reverse();
        words
    }

    /// The next word.
    pub fn next(&mut self, what: &str) -> Result<&'a str, Fault> {
        self.rest.pop().ok_or_else(|| format!("{what} is missing"))
    }

    /// Takes the next word if it is this one.
    pub fn take(&mut self, word: &str) -> bool {
        let there = self.rest.last() == Some(&word);
        if there {
            self.rest.pop();
        }
        there
    }

    /// Takes the next word if it looks like this.
    pub fn take_if(&mut self, looks: impl Fn(&str) -> bool) -> Option<&'a str> {
        self.rest.pop_if(|word| looks(word))
    }

    /// Takes an option.
    pub fn option(&mut self, key: &str) -> Option<&'a str> {
        let place = self.options.iter().position(|(name, _)| *name == key)?;
        Some(self.options.remove(place).1)
    }

    /// Takes an option that is a quantity; 0 where it is not given.
    pub fn quantity_option(&mut self, key: &str) -> Result<i64, Fault> {
        self.option(key).map_or(Ok(0), quantity)
    }

    /// Takes an option that is a span of time, in milliseconds; 0 where it is not given.
    pub fn span_option(&mut self, key: &str) -> Result<i64, Fault> {
        self.option(key).map_or(Ok(0), span)
    }

    /// Takes an option that is an instant, in milliseconds since the Unix epoch; 0 where it is not
    /// given.
    pub fn time_option(&mut self, key: &str) -> Result<i64, Fault> {
        let parse = |text| parse_time(text).map_err(|fault| fault.to_string());
        self.option(key).map_or(Ok(0), parse)
    }

    /// Refuses what nobody took.
    pub fn end(self) -> Result<(), Fault> {
        if let Some((key, _)) = self.options.first() {
            return Err(format!("there is no option `{key}` here"));
        }
        match self.rest.last() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` is one word too many")),
        }
    }
}

/// A decimal of at most three places, as 1/1000 unit.
pub fn quantity(text: &str) -> Result<i64, Fault> {
    let fault = || format!("`{text}` is no quantity (a decimal of at most three places)");
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if decimals.len() > 3 || !plain(whole) || !plain(decimals) {
        return Err(fault());
    }
    format!("{whole}{decimals:0<3}").parse::<i64>().map(|milli| sign * milli).map_err(|_| fault())
}

/// A decimal of at most two places, as cents.
pub fn minor(text: &str) -> Result<i64, Fault> {
    let fault = || format!("`{text}` is no amount (a decimal of at most two places)");
    let milli = quantity(text).map_err(|_| fault())?;
    if milli % 10 == 0 { Ok(milli / 10) } else { Err(fault()) }
}

/// `30s`, `7m`, `24h` or `3d` in milliseconds.
pub fn span(text: &str) -> Result<i64, Fault> {
    let fault = || format!("`{text}` is no span of time (30s, 7m, 24h, 3d)");
    let unit = text.chars().next_back().ok_or_else(fault)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(fault()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| fault())?;
    count.checked_mul(seconds * 1_000).ok_or_else(fault)
}

/// `48.85,2.35` as microdegrees.
pub fn place(text: &str) -> Result<Location, Fault> {
    let fault = || format!("`{text}` is no place (`latitude,longitude` in degrees)");
    let (lat, lon) = text.split_once(',').ok_or_else(fault)?;
    let microdegrees = |part: &str| {
        let degrees: f64 = part.parse().map_err(|_| fault())?;
        Ok::<i32, Fault>((degrees * 1e6).round() as i32)
    };
    Ok(Location { lat_e6: microdegrees(lat)?, lon_e6: microdegrees(lon)? })
}

/// A number written out.
pub fn number(text: &str) -> Result<u32, Fault> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}
