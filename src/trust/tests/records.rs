//! Every record that the page shows agrees line by line; and a record that says something else is found out.

use scale_trust::{RECORDS, Record};

fn file(record: &Record) -> String {
    let path = format!(
        "{}/../../tests/oracle/{}",
        env!("CARGO_MANIFEST_DIR"),
        record.file
    );
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

#[test]
fn the_engine_does_what_the_real_systems_did() {
    // So many lines were recorded; none may be left out unseen.
    let lines = [
        ("weighted-round-robin", 144),
        ("least-connections", 150),
        ("failover", 300),
        ("health-checks", 45),
        ("breaker-resilience4j", 840),
        ("breaker-pybreaker", 840),
        ("breaker-gobreaker", 420),
        ("breaker-cockatiel", 840),
        ("rate-limit", 288),
        ("eviction", 800),
        ("hash-slots", 147),
    ];
    let named = lines.map(|(id, _)| id);
    assert!(RECORDS.iter().map(|record| record.id).eq(named));
    for (record, (_, count)) in RECORDS.iter().zip(lines) {
        let series = record
            .replay(&file(record))
            .unwrap_or_else(|fault| panic!("{}: {fault}", record.id));
        let mut seen = 0;
        for of in &series {
            for line in &of.lines {
                assert!(line.agrees, "{}, {}: {line:?}", record.id, of.title);
                seen += 1;
            }
        }
        assert_eq!(seen, count, "{}", record.id);
    }
}

/// The record with its last line that counts changed to something that was not recorded.
fn forged(record: &Record) -> String {
    let text = file(record);
    let (from, to) = match record.id {
        "weighted-round-robin" => ("wrr_5_1_1,5:1:1,1,a", "wrr_5_1_1,5:1:1,1,b"),
        "least-connections" => ("lc_1_1_1,1:1:1,2,start,2,b", "lc_1_1_1,1:1:1,2,start,2,a"),
        "failover" => ("mf1_ft3,1,0,,200,a,200", "mf1_ft3,1,0,,200,b,200"),
        "health-checks" => ("7,fail,UP 1/3", "7,fail,DOWN"),
        "rate-limit" => ("0,2,3,4,429,REJECTED,0", "0,2,3,4,200,PASSED,0"),
        "eviction" => (",001111000001110110101110,", ",101111000001110110101110,"),
        "hash-slots" => ("foo,12182", "foo,12183"),
        // The first call of all is let through.
        _ => (",S,1,closed", ",S,0,open"),
    };
    assert!(text.contains(from), "{}: {from}", record.id);
    text.replacen(from, to, 1)
}

#[test]
fn a_record_of_something_else_does_not_agree() {
    for record in RECORDS {
        let series = record.replay(&forged(record)).expect("of the format");
        let wrong = series.iter().flat_map(|of| &of.lines);
        let wrong = wrong.filter(|line| !line.agrees).count();
        assert!(wrong > 0, "{}", record.id);
    }
}

#[test]
fn a_file_that_is_no_record_is_refused_with_its_line() {
    for record in RECORDS {
        let text = file(record);
        // Whatever a host answers instead, and every record cut off or given the wrong values.
        for hostile in [
            String::new(),
            "<!doctype html>".to_owned(),
            "a,b\n1".to_owned(),
            text[..text.len() / 2].to_owned(),
            text.replace(['0', '1', '2'], "x"),
            text.replace(',', ";"),
            text.replace(|c: char| c.is_ascii_digit(), "99999999999999999999"),
        ] {
            if let Err(fault) = record.replay(&hostile) {
                assert!(fault.starts_with("line "), "{}: {fault}", record.id);
            }
        }
        let fault = record.replay("<!doctype html>").expect_err("no table");
        assert!(fault.starts_with("line 1"), "{fault}");
    }
}
