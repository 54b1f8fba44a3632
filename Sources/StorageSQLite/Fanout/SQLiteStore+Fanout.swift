package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: FanoutStore {
    package func fanOut(limit: Int, now: Timestamp) async throws(StoreError) -> FanoutStep {
        try await write { db in
            var router = try BulletinRouter(db: db, now: now, limit: limit)
            return try router.run()
        }
    }

    package func endPending(limit: Int, now: Timestamp) async throws(StoreError) -> Int {
        let isWanted = try await read { db in
            try db.number("SELECT EXISTS (SELECT 1 FROM bulletins WHERE ending IS NOT NULL)") == 1
        }
        guard isWanted else { return 0 }
        return try await write { try BulletinEnd.endPending(limit: limit, $0, now: now) }
    }

    package func completeLarge(now: Timestamp) async throws(StoreError) -> Int {
        let bounces = "SELECT max(id) FROM bounces"
        let (done, last) = try await read { (try BulletinEnd.largeOnesDone($0), try $0.number(bounces)) }
        guard !done.isEmpty else { return 0 }
        try await write { db in
            // Nothing but a bounce changes a delivery that has ended.
            let keepsCounts = try db.number(bounces) == last
            for (number, counts) in done {
                try BulletinEnd.completeIfDone(number, counts: counts, keepsCounts: keepsCounts, db, now: now)
            }
        }
        return done.count
    }

    package func publishScheduled(limit: Int, now: Timestamp) async throws(StoreError) -> Timestamp? {
        let isDue = try await read { db in
            try db.number(
                """
                SELECT EXISTS (SELECT 1 FROM bulletins WHERE state = 'scheduled' AND publish_at <= ?1)
                    OR EXISTS (SELECT 1 FROM bulletins WHERE state = 'published' AND expires_at <= ?1)
                """, [now.milliseconds]) == 1
        }
        if isDue {
            try await write { db in
                for row in try db.rows(
                    """
                    SELECT * FROM bulletins WHERE state = 'scheduled' AND publish_at <= ? ORDER BY publish_at, id LIMIT ?
                    """, [now.milliseconds, limit])
                {
                    let number: Int64 = row["id"]
                    let state = try BulletinBeginning.release(number, db, now: now)
                    try ReceiptWriter(db: db, now: now).put(
                        ReceiptRule.entered(state, number, about: .init(row), publishAt: nil))
                }
                try BulletinEnd.expire(limit: limit, db, now: now)
            }
        }
        return try await read { db in
            try db.number(
                """
                SELECT min(at) FROM (SELECT min(publish_at) AS at FROM bulletins WHERE state = 'scheduled'
                UNION ALL SELECT min(expires_at) FROM bulletins WHERE state = 'published' AND expires_at IS NOT NULL)
                """
            ).map { Timestamp(milliseconds: $0) }
        }
    }
}
