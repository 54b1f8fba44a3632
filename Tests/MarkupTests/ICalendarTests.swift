import Foundation
import Testing

@testable import Bulletins
@testable import Markup

struct ICalendarTests {
    private let edition = ICalendar.Edition(
        revision: 3, changed: Timestamp(milliseconds: 1_800_000_000_999),
        created: Timestamp(milliseconds: 1_799_999_000_000), url: "https://kabar.example/bulletins/uji/1")

    private func bulletin(_ starts: Bulletin.Moment, _ ends: Bulletin.Moment? = nil) -> Bulletin {
        var bulletin = Bulletin(id: BulletinID(publisher: "uji", id: "1"), kind: .announcement, title: "Vaksinasi")
        bulletin.event = Bulletin.Event(name: nil, starts: starts, ends: ends, place: "Balai desa; aula, lantai 2")
        bulletin.body = "Baris *satu*\n\nBaris dua"
        return bulletin
    }

    private func lines(_ bulletin: Bulletin) throws -> [String] {
        let text = try #require(ICalendar.calendar(of: bulletin, edition, categories: ["Kesehatan", "a,b"]))
        return text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    }

    private func instant(_ text: String) throws -> Bulletin.Moment { .at(try #require(Timestamp(text))) }
    private func day(_ text: String) throws -> Bulletin.Moment { .on(try #require(CalendarDay(text))) }

    /// RFC 5545 section 3.6: a calendar has at least one component.
    @Test func aCalendarWithoutEventsHasAComponent() {
        let text = ICalendar.calendar(events: [], language: "id")
        #expect(text.contains("BEGIN:VTIMEZONE\r\nTZID:UTC\r\n"))
        #expect(text.hasSuffix("END:VTIMEZONE\r\nEND:VCALENDAR\r\n"))
    }

    @Test func anInstantIsInUTC() throws {
        let lines = try lines(
            bulletin(try instant("2026-12-12T08:00:00+09:00"), try instant("2026-12-12T10:30:00+09:00")))
        for wanted in [
            "BEGIN:VCALENDAR", "VERSION:2.0", "UID:urn:kentongan:uji:1", "DTSTAMP:20270115T080000Z",
            "DTSTART:20261211T230000Z", "DTEND:20261212T013000Z", "SEQUENCE:2", "STATUS:CONFIRMED",
            "SUMMARY:Vaksinasi", "LOCATION:Balai desa\\; aula\\, lantai 2", "DESCRIPTION:Baris satu\\n\\nBaris dua",
            "CATEGORIES:Kesehatan,a\\,b", "URL:https://kabar.example/bulletins/uji/1", "END:VCALENDAR",
        ] {
            #expect(lines.contains(wanted), "\(lines)")
        }
        #expect(lines.last == "")
    }

    @Test func theLastDayIsWithin() throws {
        let lines = try lines(bulletin(try day("2026-12-30"), try day("2026-12-31")))
        #expect(lines.contains("DTSTART;VALUE=DATE:20261230"))
        #expect(lines.contains("DTEND;VALUE=DATE:20270101"))
    }

    @Test func anEndThatIsNotAfterTheStartIsLeftOut() throws {
        for bulletin in [
            bulletin(try day("2026-12-30"), try day("2026-12-30")),
            bulletin(try instant("2026-12-12T08:00:00Z"), try instant("2026-12-12T07:00:00Z")),
        ] {
            #expect(try !lines(bulletin).contains { $0.hasPrefix("DTEND") })
        }
    }

    @Test func aWithdrawalCancels() throws {
        var withdrawn = bulletin(try day("2026-12-30"))
        withdrawn.status = .withdrawn
        #expect(try lines(withdrawn).contains("STATUS:CANCELLED"))
    }

    @Test func aBulletinWithoutAnEventHasNone() {
        let bulletin = Bulletin(id: BulletinID(publisher: "uji", id: "1"), kind: .announcement, title: "T")
        #expect(ICalendar.calendar(of: bulletin, edition) == nil)
    }

    @Test(arguments: ["é", "🛕", "a", "مرحبا "])
    func linesAreFoldedBetweenScalars(part: String) throws {
        var long = bulletin(try day("2026-12-30"))
        long.title = String(repeating: part, count: 100)
        let lines = try lines(long)
        #expect(lines.allSatisfy { $0.utf8.count <= 75 })
        let unfolded = lines.joined(separator: "\r\n").replacingOccurrences(of: "\r\n ", with: "")
        #expect(unfolded.contains("SUMMARY:\(long.title)\r\n"))
    }

    @Test func nothingEndsALineButItsEnd() {
        #expect(CalendarLines.escaped("a\r\nb\nc\rd\u{0}\u{7}e\u{7F}\tf\\g") == "a\\nb\\nc\\nde\tf\\\\g")
        var lines = CalendarLines()
        lines.add("URL", "https://x.example/\r\nBEGIN:VEVENT")
        #expect(lines.text == "URL:https://x.example/BEGIN:VEVENT\r\n")
    }
}
