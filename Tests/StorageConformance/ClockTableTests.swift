import Bulletins
import Foundation
import GRDB
import Storage
import StorageSQLite
import Testing

/// Every column that holds a time is in the table of docs/clocks.md, and is brought back as far as that says.
struct ClockTableTests {
    private struct Row {
        let table: String
        let column: String
        let most: String
    }

    private let now: Int64 = 1_800_000_000_000
    private let limits = ClockLimits(longestWait: .seconds(86_400))

    private func documented() throws -> [Row] {
        let page = URL(filePath: #filePath).appending(path: "../../../docs/clocks.md").standardized
        let text = try String(contentsOf: page, encoding: .utf8)
        return text.matches(of: /(?m)^\| `(\w+)\.(\w+)` \| [^|]+ \| ([^|]+) \|/).map {
            Row(table: String($0.1), column: String($0.2), most: String($0.3))
        }
    }

    private func withStore(_ body: (SQLiteStore, DatabaseQueue) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store.db").path
        let store = try SQLiteStore(path: path)
        try await body(store, try DatabaseQueue(path: path))
        store.close()
    }

    @Test
    func theTableNamesEveryTimeOfTheSchema() async throws {
        let documented = try documented().map { "\($0.table).\($0.column)" }
        try await withStore { _, queue in
            let found = try await queue.read { db in
                try String.fetchAll(
                    db,
                    sql: """
                        SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
                        WHERE t.type = 'table' AND (c.name LIKE '%\\_at' ESCAPE '\\' OR c.name LIKE '%until%'
                            OR c.name LIKE '%since%' OR c.name LIKE '%time%' OR c.name LIKE '%turn%') ORDER BY 1
                        """)
            }
            #expect(found.sorted() == documented.sorted())
        }
    }

    /// How far ahead of now a time may be; nil if it is not brought back, or otherwise.
    private func most(_ row: Row) -> Int64? {
        switch row.most {
        case "now": 60_000
        case "wait": 86_460_000
        case "turn": 62_000
        case "any", "lease": nil
        default: row.most.split(separator: " ").first.flatMap { Int64($0) }.map { $0 * 86_400_000 + 60_000 }
        }
    }

    /// Rows whose every time is 400 days ahead.
    private func fill(_ queue: DatabaseQueue, _ rows: [Row], _ form: String) async throws {
        let ahead = now + 400 * 86_400_000
        try await queue.write { db in
            try TableFiller.fill(db)
            for row in rows {
                try db.execute(sql: "UPDATE \(row.table) SET \(row.column) = ?", arguments: [ahead])
            }
            try db.execute(sql: form, arguments: [])
            try db.execute(sql: "UPDATE subscriptions SET digest_period = 86400000")
            try db.execute(sql: "UPDATE clock_mark SET hold = 0, walk = NULL, walk_number = 0")
        }
    }

    @Test(arguments: [
        "UPDATE deliveries SET turn = NULL, digest_at = NULL", "UPDATE deliveries SET turn = NULL",
        "UPDATE deliveries SET digest_at = NULL",
        "UPDATE deliveries SET state = 'delivered'; UPDATE bulletins SET routed_at = NULL",
        "UPDATE hub_subscriptions SET state = 'ended'",
    ])
    func whatIsFurtherAheadIsBroughtBack(form: String) async throws {
        let rows = try documented()
        try await withStore { store, queue in
            try await fill(queue, rows, form)
            let present = Timestamp(milliseconds: now)
            #expect(try await store.noteClock(elapsed: nil, limits, now: present) == .wentBack(.seconds(400 * 86_400)))
            var count = 0
            while case let mended = try await store.mendWaits(limits, limit: 1, now: present), !mended.isEmpty {
                count += 1
                try #require(count < 100, "it finds \(mended) again and again")
            }
            while try await store.walkTimes(limits, now: present) != nil {}
            for row in rows {
                guard let most = most(row), !isOver(row, form) else { continue }
                let left = try await queue.read { db in
                    try Int64.fetchOne(db, sql: "SELECT max(\(row.column)) FROM \(row.table)")
                }
                if let left { #expect(left <= now + most, "\(row.table).\(row.column), after \(form)") }
            }
        }
    }

    /// Whether nothing reads a column any more, because its row is finished.
    private func isOver(_ row: Row, _ form: String) -> Bool {
        (form.contains("delivered") && row.table == "deliveries" && row.column != "finished_at")
            || (!form.contains("routed_at") && row.table == "bulletins" && row.column == "turn")
            || (form.contains("ended") && row.table == "hub_subscriptions"
                && ["due_at", "expires_at"].contains(row.column))
    }

    /// Rows that are as they should be stay as they are, at the ends of their bounds.
    @Test
    func whatIsRightIsLeftAlone() async throws {
        let rows = try documented()
        try await withStore { store, queue in
            try await fill(queue, rows, "UPDATE deliveries SET turn = NULL, digest_at = NULL")
            try await queue.write { db in
                for row in rows where row.most != "any" && row.most != "lease" && row.column != "turn" {
                    try db.execute(
                        sql: "UPDATE \(row.table) SET \(row.column) = ? WHERE \(row.column) IS NOT NULL",
                        arguments: [now + (most(row) ?? 0)])
                }
                try db.execute(sql: "UPDATE clock_mark SET seen_at = ?", arguments: [now])
            }
            let present = Timestamp(milliseconds: now)
            #expect(try await store.noteClock(elapsed: nil, limits, now: present) == .steady)
            #expect(try await store.mendWaits(limits, limit: 9, now: present).isEmpty)
            #expect(try await store.walkTimes(limits, now: present) == nil)
        }
    }
}
