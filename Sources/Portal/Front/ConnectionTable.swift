import NIOCore
import Synchronization

/// The open connections of a server, of which there may be a certain number. When all are taken, the one that has kept the
/// server waiting for longest makes room: a flood of idle connections shuts nobody out.
final class ConnectionTable: Sendable {
    /// A connection in the table.
    final class Entry: Sendable {
        let channel: any Channel
        /// Since when the server waits for the peer, in nanoseconds of the loop's clock; 0 while the peer waits for the server.
        let waitsSince: Atomic<UInt64>
        /// The connection was told to make room.
        let isLeaving = Atomic(false)

        init(_ channel: any Channel, now: NIODeadline) {
            self.channel = channel
            waitsSince = Atomic(now.uptimeNanoseconds)
        }
    }

    /// What a connection is told that has to make room.
    struct MakeRoom: Sendable {}

    private let most: Int
    /// How many may be open above the limit until those that make room are closed.
    private static let slack = 32
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(most: Int) { self.most = most }

    var count: Int { entries.withLock { $0.count } }

    /// False if there is no room and none can be made: the server works for every connection.
    func admit(_ entry: Entry) -> Bool {
        let (isAdmitted, leaver) = entries.withLock { entries -> (Bool, Entry?) in
            var leaver: Entry?
            if entries.count >= most {
                guard entries.count < most + Self.slack, let oldest = Self.oldestWaiting(entries) else {
                    return (false, nil)
                }
                oldest.isLeaving.store(true, ordering: .relaxed)
                leaver = oldest
            }
            entries[ObjectIdentifier(entry)] = entry
            return (true, leaver)
        }
        leaver?.channel.pipeline.fireUserInboundEventTriggered(MakeRoom())
        return isAdmitted
    }

    func remove(_ entry: Entry) {
        entries.withLock { $0[ObjectIdentifier(entry)] = nil }
    }

    private static func oldestWaiting(_ entries: [ObjectIdentifier: Entry]) -> Entry? {
        var oldest: (since: UInt64, entry: Entry)?
        for entry in entries.values where !entry.isLeaving.load(ordering: .relaxed) {
            let since = entry.waitsSince.load(ordering: .relaxed)
            if since > 0, since < oldest?.since ?? .max { oldest = (since, entry) }
        }
        return oldest?.entry
    }
}
