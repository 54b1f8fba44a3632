import Testing
import Wording

/// Durations are written as people say them.
struct WordingTests {
    @Test(arguments: [
        (Duration.milliseconds(7), "7 ms"), (.seconds(0.703_895_981), "0.7 s"), (.seconds(1), "1 s"),
        (.seconds(9.96), "10 s"), (.seconds(45), "45 s"), (.seconds(150), "2.5 min"), (.seconds(3 * 3600), "3 h"),
    ])
    func durationsAreSaidAsPeopleDo(_ duration: Duration, _ text: String) { #expect(duration.spoken == text) }
}
