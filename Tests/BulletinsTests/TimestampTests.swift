import Bulletins
import Testing

struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-23T10:15:00+07:00", 1_795_403_700_000),
        ("2024-02-29T23:59:59.5-01:30", 1_709_256_599_500), ("1969-12-31T23:59:59.999Z", -1),
        ("2000-03-01t00:00:00z", 951_868_800_000),
    ])
    func parsesTimes(text: String, milliseconds: Int64) { #expect(Timestamp(text)?.milliseconds == milliseconds) }

    @Test(arguments: [
        "", "2026-11-23", "2026-11-23T10:15:00", "2026-11-23T10:15+07:00", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-23T24:00:00Z", "2026-11-23T10:15:00.Z", "2026-11-23 10:15:00Z", "2026-11-23T10:15:00+0700",
        "2026-11-23T10:15:00Z ",
    ])
    func rejectsOtherTexts(text: String) { #expect(Timestamp(text) == nil) }

    @Test func everyDayOfFourHundredYearsRoundTrips() {
        var previous = CalendarDay(daysSinceEpoch: -100_000)
        for day in Int64(-99_999)...60_000 {
            let next = CalendarDay(daysSinceEpoch: day)
            #expect(next.daysSinceEpoch == day && previous < next)
            previous = next
        }
    }

    @Test func writesTimes() throws {
        let time = try #require(Timestamp("2026-11-23T10:15:00.250+07:00"))
        #expect(time.text == "2026-11-23T03:15:00.250Z")
        #expect(time.mailDate == "Mon, 23 Nov 2026 03:15:00 +0000")
        #expect(time.httpDate == "Mon, 23 Nov 2026 03:15:00 GMT")
        #expect(time.clock(zoneOffset: 9 * 3600, separator: ".") == "12.15")
        #expect((time + .seconds(90)).milliseconds == time.milliseconds + 90_000)
    }
}
