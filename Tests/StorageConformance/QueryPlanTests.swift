import Bulletins
import Foundation
import GRDB
import Storage
import StorageSQLite
import Synchronization
import Testing

/// No statement reads a whole table that grows, by SQLite's own plan for a large store.
struct QueryPlanTests {
    /// Tables that grow, and how many rows they are planned to have.
    private static let growing = [
        "subscribers": 900_000, "endpoints": 900_000, "subscriptions": 1_000_000, "bulletins": 100_000,
        "payloads": 100_000, "deliveries": 5_000_000, "attempts": 6_000_000, "bounces": 50_000, "refusals": 10_000,
        "feed_items": 1_000_000, "hub_subscriptions": 10_000, "hub_attempts": 10_000, "outbox": 10_000,
        "suppressions": 10_000,
    ]

    /// The statements that may walk a table, known by a part of their text, and why.
    private static let reasons = [
        "ORDER BY b.id DESC LIMIT": "it reads back from the newest, up to its limit",
        "ORDER BY d.id DESC LIMIT": "it reads back from the newest, up to its limit, beside the writer",
        "FROM refusals ORDER BY id DESC LIMIT": "it reads back from the newest, up to its limit",
        "ORDER BY s.id LIMIT": "it reads from the first, up to its limit",
        "FROM bulletins b CROSS JOIN deliveries d ON d.bulletin = b.id AND d.endpoint = ?":
            "it looks once into each bulletin, beside the writer; an index by endpoint would cost each delivery a page",
        "GROUP BY lower(address) HAVING count(*) > 1":
            "an operator asks for it once after an update, beside the writer",
        "WHERE e.channel = 'webhook' AND number > 0": "an operator asks for it once after an update, beside the writer",
        "SELECT count(*) FROM outbox": "it is asked beside the writer, and receipts leave soon",
    ]

    /// Partial indexes of what is not finished: walking one is walking the work that waits.
    private static let unfinished: Set<String> = [
        "deliveries_ready", "deliveries_timed", "deliveries_digests", "deliveries_waiting",
        "bulletins_ending", "bulletins_unfinished", "bulletins_unrouted", "bulletins_large", "bulletins_held",
        "bulletins_scheduled",
        "hub_subscriptions_due",
        "hub_subscriptions_expiry", "hub_subscriptions_leases",
    ]

    private final class Heard: Sendable {
        private let statements = Mutex<Set<String>>([])
        private let isOn = Mutex(false)
        /// From here on; what made the store is not of interest.
        func begin() { isOn.withLock { $0 = true } }
        func add(_ sql: String) {
            guard isOn.withLock({ $0 }) else { return }
            statements.withLock { _ = $0.insert(sql) }
        }
        var all: [String] { statements.withLock { $0.sorted() } }
    }

    /// Runs everything that the program does in its life, as far as the store sees it.
    private func exercise(_ heard: Heard) async throws {
        let (lived, looked) = (
            try Backend.sqlite.make(onStatement: heard.add), try Backend.sqlite.make(onStatement: heard.add)
        )
        heard.begin()
        let world = LifeWorld(lived, seed: 3)
        for _ in 0..<60 {
            try await world.step()
            try await world.settle()
        }
        try await world.drain()
        try await look(looked)
    }

    private func look(_ test: TestStore) async throws {
        let (store, now) = (test.store, test.now)
        try await test.registerUji(in: "ID")
        try await test.subscribe("siti@x.example", "73", frequency: .daily)
        try await test.subscribe("f", "73", channel: .feed)
        try await test.subscribe("https://x.example/h", "73", channel: .webhook)
        _ = try await test.accept("b", urgency: .important)
        try await test.fanOut()
        _ = try await store.publishScheduled(limit: 9, now: now)
        _ = try await store.completeLarge(now: now)
        _ = try await store.backlog()
        let id = BulletinID(publisher: "uji", id: "b")
        for address in [nil, "siti@x.example"] {
            for bulletin in [nil, id] {
                for state in [nil, DeliveryState.failed] {
                    var filter = DeliveryFilter()
                    (filter.bulletin, filter.address, filter.state) = (bulletin, address, state)
                    _ = try await store.deliveries(filter, limit: 9)
                }
            }
        }
        _ = try await store.bulletins(id: nil, limit: 9)
        _ = try await store.answers(to: id)
        _ = try await store.rejections(limit: 9)
        _ = try await store.subscriptions(limit: 9)
        _ = try await store.coverage(of: id)
        for claimed in try await test.claim(.webhook) { try await test.record(claimed, .endpointGone) }
        _ = try await store.record(Bounce(kind: .failed, status: "5.1.1", detail: nil), of: 1, now: now)
        try await store.suppress("siti@x.example", why: "asked", now: now)
        _ = try await store.unsuppress("siti@x.example")
        _ = try await store.delivery(1)
        var old = Retention(bulletins: .seconds(1), deliveries: nil, attempts: nil, refusals: nil, addresses: nil)
        (old.deliveries, old.attempts, old.refusals) = (.seconds(1), .seconds(1), .seconds(1))
        old.addresses = .seconds(1)
        for row in try await store.subscriptions(limit: 9) {
            _ = try await store.removeSubscription(row.number, now: now)
        }
        while try await store.prune(old, limit: 9, now: now + .seconds(90)) > 0 {}
        _ = try await (store as? any ShrinkableStore)?.shrink()
        _ = try await store.erase("siti@x.example", now: now)
        _ = try await store.addressDoubles()
        let spellings = [1, 2].map { AddressDouble.Spelling(endpoint: $0, address: "a", subscriptions: 1) }
        _ = try await store.merge(AddressDouble(channel: .email, spellings: spellings), now: now)
        _ = try await test.feedItems(.publisher("uji"))
        try await lookForAddresses(test)
        try await lookAtTheClock(store, now)
    }

    /// The links in mails, of a subscription and of a digest, and what else looks for an address.
    private func lookForAddresses(_ test: TestStore) async throws {
        try await test.subscribe("budi@x.example", "73")
        _ = try await test.accept("kabar")
        try await test.fanOut()
        for mail in try await test.claim() {
            for scope in [UnsubscribeScope.one, .mail(bulletin: mail.bulletin), .mail(bulletin: nil), .all] {
                #expect(try await test.unsubscribe(mail.terms.unsubscribeToken, scope))
            }
        }
        _ = try await test.store.subscriptions(at: [
            Endpoint(channel: .email, address: "siti@x.example"),
            Endpoint(channel: .webhook, address: "https://x.example/h"),
        ])
    }

    /// Runs every statement that sets times back: the past is ahead of a clock that went back.
    private func lookAtTheClock(_ store: any Store, _ now: Timestamp) async throws {
        let limits = ClockLimits(longestWait: .seconds(86_400))
        let past = now + .seconds(-400 * 86_400)
        _ = try await store.noteClock(elapsed: nil, limits, now: now)
        _ = try await store.retentionHold(now: now)
        _ = try await store.noteClock(elapsed: nil, limits, now: past)
        while try await !store.mendWaits(limits, limit: 9, now: past).isEmpty {}
        while try await store.walkTimes(limits, now: past) != nil {}
        try await store.trustClock(now: now)
    }

    /// A store without rows, which SQLite takes for a large one if `isCounted`; without counts it guesses.
    private func withLargeStore(isCounted: Bool, _ body: (Database) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store.db").path
        try SQLiteStore(path: path).close()
        if isCounted { try DatabaseQueue(path: path).write(count) }
        try DatabaseQueue(path: path).read { (db: Database) throws in
            try WalkTurn.register(db)
            try body(db)
        }
    }

    private func count(_ db: Database) throws {
        try db.execute(sql: "ANALYZE")
        for (table, rows) in Self.growing {
            for index in try db.indexes(on: table) {
                let rows = Self.unfinished.contains(index.name) ? 2000 : rows
                let keys = index.columns.indices.map { String(max(1, rows / 20 / Int(pow(50, Double($0))))) }
                try db.execute(
                    sql: "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
                    arguments: [table, index.name, ([String(rows)] + keys).joined(separator: " ")])
            }
        }
    }

    /// Whether a statement that counts waiting digests reads a row for each, and not only their index.
    private func readsRowsToCount(_ sql: String, _ db: Database) throws -> Bool {
        guard sql.contains("count("), sql.contains("INDEXED BY deliveries_digests") else { return false }
        let program = try explained("EXPLAIN", sql, db)
        let table = try #require(program.first { $0["opcode"] == "OpenRead" })
        return program.contains { $0["opcode"] == "Column" && $0["p1"] as Int == table["p1"] }
    }

    private func explained(_ how: String, _ sql: String, _ db: Database) throws -> [Row] {
        let statement = try db.makeStatement(sql: "\(how) " + sql)
        // All that it asks for is NULL: only the plan is wanted.
        statement.setUncheckedArguments(StatementArguments())
        return try Row.fetchAll(statement)
    }

    private func scans(_ sql: String, _ db: Database) throws -> [String] {
        return try explained("EXPLAIN QUERY PLAN", sql, db).map { $0["detail"] as String }.filter { line in
            guard let name = walked(by: line) else { return false }
            return Self.growing.keys.contains { table in
                table == name
                    || sql.range(of: "\\b\(table)( AS)? \(name)\\b", options: .regularExpression) != nil
            }
        }
    }

    /// Columns with so few values that a search by one of them alone is a walk.
    private static let few: Set<Substring> = [
        "channel", "state", "priority", "kind", "frequency", "field", "publisher",
    ]

    /// The table, or its name in the statement, that a line of a plan walks.
    private func walked(by line: String) -> String? {
        if let scan = line.wholeMatch(of: /SCAN (\w+).*/) {
            return Self.unfinished.contains { line.hasSuffix("INDEX \($0)") } ? nil : String(scan.1)
        }
        guard let search = line.wholeMatch(of: /SEARCH (\w+) USING (COVERING )?INDEX (\w+) \((.*)\)/),
            !Self.unfinished.contains(String(search.3))
        else { return nil }
        let columns = search.4.split(separator: " AND ").map { $0.prefix { $0 != "=" && $0 != ">" && $0 != "<" } }
        return columns.allSatisfy(Self.few.contains) ? String(search.1) : nil
    }

    @Test
    func noStatementReadsAWholeTableThatGrows() async throws {
        let heard = Heard()
        try await exercise(heard)
        let statements = heard.all.filter { sql in
            ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains { sql.hasPrefix($0) }
        }
        #expect(statements.count > 100)
        for isCounted in [false, true] {
            try withLargeStore(isCounted: isCounted) { db in
                for sql in statements where !Self.reasons.keys.contains(where: { sql.contains($0) }) {
                    let found = try scans(sql, db)
                    #expect(found.isEmpty, "\(found) in \(sql)")
                    #expect(try !readsRowsToCount(sql, db), "\(sql)")
                }
            }
        }
    }
}
