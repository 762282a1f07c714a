// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Measures how ordinary the text of a name is, in bits: words cost few bits for each character, random text many.

/// Costs of a character after another one, in half bits, as digits of base 36. Rows: the character before; columns: the
/// character. The order is `a` to `z` without regard to case, a digit, anything else. The figures come from the 35,858
/// different words of the file names of a Debian system.
const PAIRS: [&[u8; 28]; 28] = [
    b"ha8aie9lamf697k8m885cefieib6",
    b"6fcd4ech8bg7ae9dfb8c8hiddga7",
    b"8hbf7gi8cl94eh6co8b8bgjjcnd8",
    b"7bec5edh7iicddackbaebgflhla3",
    b"9d9acediglh9a7gcf566fdeaeme5",
    b"8gcc89ek4me8dd6ek9999kglctb6",
    b"bf3f5hbe8ogbebcdi89dciilhhe6",
    b"3hde5fhp8pgebg7cmae9ajipffc5",
    b"b78b9b9mioj8a57bkb78kcmdqdfa",
    b"7fbc4fei8ifgcd4afe7eaeckooca",
    b"9cbc4bbf9nkc9ecdfd6c8igkhjb4",
    b"9gfc6fhk5mg9gh48jgabbdkkejf6",
    b"5aba5ggk8lhaag86hf9dbhfhhkb6",
    b"8g88797haiddfbaeng65cdiihkd6",
    b"db9ajebidgd885a9r6aa5dcgdkg9",
    b"7dba7fc79pd8fg79j7a99jhjbqc7",
    b"fgefcgioeoo4eccfobdf3dgokod5",
    b"7fac5dck7rbebe7dmb89abilbqe5",
    b"ah9g6gfb9odddeabdf85bfgjcoe3",
    b"6hbe5ega6mhdeh8dp89bcheibld5",
    b"d9c4aecnamj9a7f8r886hkmhljib",
    b"7gcg4ehi5sjf8eacsgdagnkejj49",
    b"5gac7ffc7qfcda6bl87cgiimbqd6",
    b"af9a79hfarfd9ef7lda4gffdcg85",
    b"ae9bcfehdkkc89d6kc6aehfmleb3",
    b"7hcc3egb7jnccf7bncbdcngjcd86",
    b"a9eeffjjhlihhjmemiggmfgfpl23",
    b"8978aa7c9ee89bc8g979a9dcigbc",
];
/// Index of a digit in [`PAIRS`].
const DIGIT: usize = 26;
/// Index of all other characters, and of the beginning of a name.
const OTHER: usize = 27;

/// Bits for each character, in hundredths, above which a text is rarely a word: 1 % of the words in
/// `tests/data/ordinary-names.txt` cost more, and 90 % of random letters.
const WORDS_MOST: i32 = 560;

/// True if these texts have more bits for each character on average than words have.
pub(crate) fn are_no_words(texts: &[&[u8]]) -> bool {
    let mut sum = 0;
    let mut pairs = 0;
    for text in texts {
        // The first character stands behind no other one.
        let costs = costs(text);
        sum += costs
            .last()
            .zip(costs.get(1))
            .map_or(0, |(all, first)| all - first);
        pairs += i32::try_from(text.len().saturating_sub(1)).unwrap_or(i32::MAX);
    }
    pairs > 0 && sum / pairs > WORDS_MOST
}

/// Returns the cost of each beginning of the name in hundredths of a bit: the first item is 0, the last is the
/// cost of the whole name.
pub(super) fn costs(name: &[u8]) -> Vec<i32> {
    let mut out = vec![0];
    let mut sum = 0;
    let mut before = b'.';
    for byte in name {
        sum += cost(before, *byte);
        out.push(sum);
        before = *byte;
    }
    out
}

fn column(byte: u8) -> usize {
    match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => usize::from(letter - b'a'),
        b'0'..=b'9' => DIGIT,
        _ => OTHER,
    }
}

fn cost(before: u8, byte: u8) -> i32 {
    let half_bits = PAIRS
        .get(column(before))
        .and_then(|row| row.get(column(byte)))
        .and_then(|digit| char::from(*digit).to_digit(36))
        .and_then(|digit| i32::try_from(digit).ok())
        .unwrap_or_default();
    half_bits * 50 + within(before, byte)
}

/// Returns the cost of the choice that a column leaves open: the case of a letter, or one of ten digits.
const fn within(before: u8, byte: u8) -> i32 {
    if byte.is_ascii_digit() {
        return 330;
    }
    if !byte.is_ascii_alphabetic() {
        return 100;
    }
    match (before.is_ascii_lowercase(), before.is_ascii_uppercase()) {
        (true, _) if byte.is_ascii_uppercase() => 580,
        (true, _) => 0,
        (_, true) => 100,
        _ if byte.is_ascii_uppercase() => 310,
        _ => 20,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cost_less_than_random_text_of_the_same_length() {
        let each = |name: &str| {
            costs(name.as_bytes()).last().unwrap() / i32::try_from(name.len()).unwrap()
        };
        for word in ["lockfile", "config", "NetworkManager", "sqlite"] {
            for random in ["qxzvkjwp", "Xy12Qa", "k3x9q2zz", "aB3dE6gH"] {
                assert!(each(word) < 480 && each(random) > 600, "{word} {random}");
            }
        }
    }
}
