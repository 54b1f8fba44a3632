package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: UpkeepStore {
    package func mendWaits(_ limits: ClockLimits, limit: Int, as hold: DutyHold, now: Timestamp)
        async throws(StoreError) -> [MendedTimes]
    {
        let rules = WaitRule.all(limits)
        let broken = try await read { db in try rules.filter { try $0.isBroken(db, now: now) } }
        guard !broken.isEmpty else { return [] }
        return try await write(as: hold) { db in
            try broken.map { MendedTimes(what: $0.what, count: try $0.mend(db, limit: limit, now: now)) }
                .filter { $0.count > 0 }
        }
    }

    package func noteClock(elapsed: Duration?, _ limits: ClockLimits, as hold: DutyHold, now: Timestamp)
        async throws(StoreError) -> ClockFinding
    {
        try await write(as: hold) { try ClockMark(db: $0).note(elapsed: elapsed, limits, now: now) }
    }

    package func walkTimes(_ limits: ClockLimits, as hold: DutyHold, now: Timestamp) async throws(StoreError) -> Int? {
        guard let place = try await read({ try TimeWalk.place($0) }) else { return nil }
        let walk = TimeWalk(limits: limits, now: now)
        let step = try await read { try walk.look(place, $0) }
        return try await write(as: hold) { try walk.take(step, $0) }
    }

    package func retentionHold(now: Timestamp) async throws(StoreError) -> Duration? {
        try await read { try ClockMark(db: $0).hold(now: now) }
    }

    package func trustClock(now: Timestamp) async throws(StoreError) {
        try await write { try ClockMark(db: $0).trust(now: now) }
    }
}

/// The store's memory of the clock.
private struct ClockMark {
    let db: Database

    /// A gap that is too large to believe a clock without an operator.
    private static let surprising = Duration.seconds(86_400)
    /// Milliseconds for which retention then holds, counted while a worker runs.
    private static let hold: Int64 = 86_400_000

    func note(elapsed: Duration?, _ limits: ClockLimits, now: Timestamp) throws -> ClockFinding {
        guard let row = try db.row("SELECT seen_at, hold FROM clock_mark") else {
            try db.run("INSERT INTO clock_mark (id, seen_at) VALUES (1, ?)", [now.milliseconds])
            return .steady
        }
        let (seenAt, hold): (Timestamp, Int64) = (row.time("seen_at"), row["hold"])
        let advance = now - seenAt
        if advance < .zero - limits.slack {
            try set(now, hold: 0)
            try db.run("UPDATE clock_mark SET walk = 0, walk_number = 0")
            return .wentBack(.zero - advance)
        }
        let surplus = advance - (elapsed ?? .zero)
        if surplus > Self.surprising {
            try set(now, hold: Self.hold)
            return .wentAhead(surplus)
        }
        let passed = max(.zero, min(advance, elapsed ?? .zero))
        try set(max(now, seenAt), hold: max(0, hold - Int64(passed / .milliseconds(1))))
        return .steady
    }

    private func set(_ seenAt: Timestamp, hold: Int64) throws {
        try db.run("UPDATE clock_mark SET seen_at = ?, hold = ?", [seenAt.milliseconds, hold])
    }

    /// The remaining hold. A jump that no look has noted yet counts as well.
    func hold(now: Timestamp) throws -> Duration? {
        guard let row = try db.row("SELECT seen_at, hold FROM clock_mark") else { return nil }
        let hold: Int64 = row["hold"]
        if now - row.time("seen_at") > Self.surprising { return .milliseconds(Self.hold) }
        return hold > 0 ? .milliseconds(hold) : nil
    }

    func trust(now: Timestamp) throws {
        try db.run(
            """
            INSERT INTO clock_mark (id, seen_at) VALUES (1, ?1)
            ON CONFLICT (id) DO UPDATE SET seen_at = ?1, hold = 0
            """, [now.milliseconds])
    }
}
