package import GRDB
import GRDBSQLite
import Storage

/// The function `walk_turn` of SQL: tells each row of a walk its turn, and remembers the last row.
///
/// A window function would keep all rows of a chunk, and a second walk would have to look for its end. An insertion of each
/// row by itself would open the table's nine indexes for each.
package struct WalkTurn {
    /// The turn of the first row.
    let start: Int64
    /// The rows so far.
    private(set) var seen = 0
    private(set) var last = FanoutCursor.Match(leg: 0, region: -1, endpoint: -1)

    init(from start: Int64) { self.start = start }

    /// The name under which SQLite knows the pointer, so that no other one is taken for it.
    private static let name: StaticString = "kentongan.walk"
    private static var type: UnsafePointer<CChar> {
        UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    /// Makes the function known to a connection: `walk_turn(walk, leg, region, endpoint, digest_at)`. A row that waits for a
    /// digest has no turn.
    package static func register(_ db: Database) throws {
        let code = sqlite3_create_function_v2(
            db.sqliteConnection, "walk_turn", 5, SQLITE_UTF8, nil,
            { context, _, values in
                guard let values, let pointer = sqlite3_value_pointer(values[0], WalkTurn.type) else {
                    return sqlite3_result_null(context)
                }
                let walk = pointer.assumingMemoryBound(to: WalkTurn.self)
                walk.pointee.last = FanoutCursor.Match(
                    leg: sqlite3_value_int64(values[1]), region: sqlite3_value_int64(values[2]),
                    endpoint: sqlite3_value_int64(values[3]))
                let turn = FairTurn.turn(ofRow: walk.pointee.seen, from: walk.pointee.start)
                walk.pointee.seen += 1
                if sqlite3_value_type(values[4]) == SQLITE_NULL {
                    sqlite3_result_int64(context, turn)
                } else {
                    sqlite3_result_null(context)
                }
            }, nil, nil, nil)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    /// Calls `body` with the walk as an argument of a statement, which is valid during the call only.
    mutating func withArgument<T>(_ body: (any Bindable) throws -> T) rethrows -> T {
        try withUnsafeMutablePointer(to: &self) { try body(Argument(pointer: $0)) }
    }

    private struct Argument: Bindable {
        let pointer: UnsafeMutablePointer<WalkTurn>

        func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
            sqlite3_bind_pointer(statement, index, pointer, WalkTurn.type, nil)
        }
    }
}
