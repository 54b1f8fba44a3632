import Bulletins
import Testing

struct DigestWindowTests {
    private func end(_ frequency: Frequency, _ zone: TimeZoneID, after text: String) throws -> String {
        let time = try #require(Timestamp(text))
        return try #require(DigestWindow(frequency, zone: zone)).end(after: time).text
    }

    @Test(arguments: [
        (TimeZoneID.wib, "2026-11-24T06:59:59.999+07:00", "2026-11-24T00:00:00Z"),
        (.wib, "2026-11-24T07:00:00+07:00", "2026-11-25T00:00:00Z"),
        (.wita, "2026-11-24T06:00:00+07:00", "2026-11-24T23:00:00Z"),
        (.wit, "2026-11-24T06:59:00+09:00", "2026-11-23T22:00:00Z"),
    ])
    func dailyWindowsEndAtSevenInTheHomeZone(zone: TimeZoneID, time: String, expected: String) throws {
        let end = try end(.daily, zone, after: time)
        #expect(Timestamp(end) == Timestamp(expected))
        #expect(DigestWindow.zone(ofEnd: try #require(Timestamp(end))) == zone)
    }

    @Test func weeklyWindowsEndOnMondays() throws {
        // 2026-11-23 is a Monday.
        #expect(
            Timestamp(try end(.weekly, .wib, after: "2026-11-23T06:59:59+07:00")) == Timestamp("2026-11-23T00:00:00Z"))
        #expect(
            Timestamp(try end(.weekly, .wib, after: "2026-11-23T07:00:00+07:00")) == Timestamp("2026-11-30T00:00:00Z"))
    }

    @Test func immediateSubscriptionsHaveNoWindow() { #expect(DigestWindow(.immediate, zone: .wib) == nil) }
}
