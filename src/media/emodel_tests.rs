use super::*;

const PERFECT: Conditions = Conditions {
    codec: CodecKind::Pcma,
    bitrate: 64_000.0,
    delay: Duration::ZERO,
    loss_pct: 0.0,
    burst_ratio: 1.0,
    echo_loss_db: None,
};

fn after(millis: u64) -> Conditions {
    Conditions {
        delay: Duration::from_millis(millis),
        ..PERFECT
    }
}

/// Table B.1 of G.107 relates R to the mean opinion score.
#[test]
fn ratings_become_the_scores_of_the_recommendation() {
    for (r, expected) in [
        (93.2, 4.41),
        (90.0, 4.34),
        (80.0, 4.03),
        (70.0, 3.60),
        (60.0, 3.10),
        (50.0, 2.58),
    ] {
        let got = score(r);
        assert!((got - expected).abs() < 0.01, "R {r}: {got}");
    }
    assert_eq!(score(-5.0), 1.0);
    assert!((score(100.0) - 4.5).abs() < 1e-5);
    assert!((score(170.0) - 4.5).abs() < 1e-5);
}

#[test]
fn a_call_at_all_defaults_has_the_rating_of_the_recommendation() {
    let rating = rate(&PERFECT);
    assert!((rating.r - 93.2).abs() < 0.05, "{rating:?}");
    assert!((rating.mos_cq - 4.41).abs() < 0.006, "{rating:?}");
    assert!((rating.mos_lq - 4.41).abs() < 0.006, "{rating:?}");
}

/// Equation 7-27 by hand: at 200 ms X is 1, at 400 ms 2, at 800 ms 3.
///
/// 200: 2^(1/6) = 1.12246, (1 + 3⁻⁶)^(1/6) = 1.00023; 25 (1.12246 − 3.00069 + 2) = 3.044.
/// 400: 65^(1/6) = 2.00517, (1 + (2/3)⁶)^(1/6) = 1.01412; 25 (2.00517 − 3.04237 + 2) = 24.07.
/// 800: 730^(1/6) = 3.00069, 2^(1/6) = 1.12246; 25 (3.00069 − 3.36739 + 2) = 40.83.
#[test]
fn delay_costs_nothing_up_to_100_ms_and_then_what_the_equation_says() {
    for (delay, cost) in [
        (0.0, 0.0),
        (100.0, 0.0),
        (200.0, 3.044),
        (400.0, 24.07),
        (800.0, 40.83),
    ] {
        let got = pure_delay(delay);
        assert!((got - cost).abs() < 0.01, "{delay} ms: {got}");
    }
}

/// Equations 7-19 to 7-26 by hand for 100 ms one way at the default loudness.
///
/// The talker: 40 lg(11 / 1.6667) = 32.78, TERV 65 − 32.78 = 32.22, Re 80 + 2.5 · 18.22 = 125.5,
/// Roe −1.5 (−61.18 − 2) = 94.77; half the difference −15.39, √(15.39² + 100) = 18.35; 18.35 −
/// 15.39 − 1 = 1.96. With 20 dB less echo loss Re is 75.54: 9.61 + 13.87 − 1 = 22.48.
///
/// The listener: Rle 10.5 · 117 / 201^(1/4) = 326.3; half the difference to 94.77 −115.8,
/// √(115.8² + 169) = 116.5: 0.73.
#[test]
fn echo_costs_what_the_equations_say() {
    assert!((talker_echo(100.0, 65.0) - 1.96).abs() < 0.02);
    assert!((talker_echo(100.0, 45.0) - 22.48).abs() < 0.02);
    assert!((listener_echo(200.0) - 0.73).abs() < 0.01);
    assert_eq!(talker_echo(0.5, 45.0), 0.0);
}

/// Published with the model for G.711 without loss: R falls to 70 at 400 ms where echo is
/// controlled perfectly, and at 291 ms where 50 dB of echo loss are left ("Controlling Voice
/// Quality", table 3 on tolerable delay, in Telektronikk's issue on Internet traffic engineering;
/// the call without delay has R = 94 there).
#[test]
fn delay_and_echo_bring_g711_to_the_bound_of_telephone_quality_where_published() {
    let perfect = rate(&Conditions {
        echo_loss_db: Some(u8::MAX),
        ..after(400)
    });
    let left = rate(&Conditions {
        echo_loss_db: Some(50),
        ..after(291)
    });
    assert!((perfect.r - 70.0).abs() < 2.0, "{perfect:?}");
    assert!((left.r - 70.0).abs() < 2.0, "{left:?}");
}

/// G.113 appendix I (table I.2 of the first edition): `Ie` of G.711 with packet loss concealment
/// under random loss, in steps of five.
#[test]
fn loss_of_g711_costs_what_g113_tabulates() {
    let equipment = Equipment::of(CodecKind::Pcma, 64_000.0);
    for (loss, expected) in [
        (0.0, 0.0),
        (1.0, 5.0),
        (2.0, 7.0),
        (3.0, 10.0),
        (5.0, 15.0),
        (7.0, 20.0),
        (10.0, 25.0),
        (15.0, 35.0),
        (20.0, 45.0),
    ] {
        let got = equipment.effective(loss, 1.0);
        assert!((got - expected).abs() < 3.0, "{loss}%: {got}");
    }
}

/// Equation 7-29 by hand: 2% in bursts twice as long as random, 95 · 2 / (1 + 25.1) = 7.28,
/// against 95 · 2 / (2 + 25.1) = 7.01.
#[test]
fn the_same_loss_in_bursts_costs_more() {
    let equipment = Equipment::of(CodecKind::Pcmu, 64_000.0);
    assert!((equipment.effective(2.0, 2.0) - 7.28).abs() < 0.01);
    assert!((equipment.effective(2.0, 1.0) - 7.01).abs() < 0.01);
    // Less than random is taken for random, and no number does harm.
    assert!((equipment.effective(2.0, 0.1) - 7.01).abs() < 0.01);
    assert!(equipment.effective(400.0, 1e9).is_finite());
}

/// G.107.1 annex A makes a score of R / 1.29: 129 − 13 is 89.9, which table B.1 has as 4.34; and
/// 5% loss cost 13 + 82 · 5 / 9.6 = 55.7, which leaves 73.3 of 129, or 56.8.
#[test]
fn g722_is_rated_on_the_wide_band_scale() {
    let clean = rate(&Conditions {
        codec: CodecKind::G722,
        ..PERFECT
    });
    assert!((clean.r - 89.8).abs() < 0.1, "{clean:?}");
    assert!((clean.mos_cq - 4.34).abs() < 0.01, "{clean:?}");
    let lossy = rate(&Conditions {
        codec: CodecKind::G722,
        loss_pct: 5.0,
        ..PERFECT
    });
    assert!((lossy.r - 56.7).abs() < 0.2, "{lossy:?}");
}

/// The steps as published, and half way between 37 and 40 kbit/s.
#[test]
fn opus_is_rated_by_its_rate_on_the_full_band_scale() {
    let at = |bitrate, loss_pct| {
        rate(&Conditions {
            codec: CodecKind::Opus,
            bitrate,
            loss_pct,
            ..PERFECT
        })
    };
    // (148 − 10.67) / 1.48 = 92.8; (148 − 38.06) / 1.48 = 74.3; less the echo of 0.15.
    assert!((at(40_000.0, 0.0).r - 92.64).abs() < 0.05);
    assert!((at(510_000.0, 0.0).r - 92.64).abs() < 0.05);
    assert!((at(14_000.0, 0.0).r - 74.13).abs() < 0.05);
    assert!((at(0.0, 0.0).r - 74.13).abs() < 0.05);
    // Ie (12.08 + 10.67) / 2 = 11.375.
    assert!((at(38_500.0, 0.0).r - 92.16).abs() < 0.05);
    assert!(at(f32::NAN, 0.0).r.is_finite());
}

/// PESQ of speech without redundancy at 10% random loss, measured.
#[test]
fn a_tenth_of_opus_made_up_scores_as_measured() {
    let score = rate(&Conditions {
        codec: CodecKind::Opus,
        bitrate: 40_000.0,
        loss_pct: 10.0,
        ..PERFECT
    })
    .mos_lq;
    assert!((score - 2.59).abs() < 0.15, "{score}");
}

/// PESQ-WB of five talkers with the repetition that is in its place, three times each, measured:
/// clean 4.32, 2% random loss 3.88, 5% 2.88.
#[test]
fn g722_with_loss_scores_as_measured() {
    for (loss_pct, measured) in [(0.0, 4.32), (2.0, 3.88), (5.0, 2.88)] {
        let rating = rate(&Conditions {
            codec: CodecKind::G722,
            loss_pct,
            ..PERFECT
        });
        let score = rating.mos_lq;
        assert!((score - measured).abs() < 0.3, "{loss_pct}%: {score}");
    }
}

#[test]
fn listening_does_not_mind_delay_and_conversation_does() {
    let (near, far) = (rate(&after(20)), rate(&after(400)));
    assert!((near.mos_lq - far.mos_lq).abs() < 1e-6);
    assert!(near.mos_cq - far.mos_cq > 0.8);
    let endless = rate(&after(100_000));
    assert!(endless.r >= 0.0 && endless.mos_cq >= 1.0);
}

#[test]
fn more_sound_made_up_is_never_better() {
    for codec in CodecKind::ALL {
        let scores: Vec<f32> = (0..=100_u8)
            .map(|loss| {
                let conditions = Conditions {
                    codec,
                    bitrate: 40_000.0,
                    loss_pct: f32::from(loss),
                    ..after(60)
                };
                rate(&conditions).mos_cq
            })
            .collect();
        assert!(
            scores.windows(2).all(|pair| pair[1] <= pair[0]),
            "{codec:?}"
        );
        assert!(
            scores[0] > 4.2 && scores[100] < 1.6,
            "{codec:?}: {scores:?}"
        );
    }
}
