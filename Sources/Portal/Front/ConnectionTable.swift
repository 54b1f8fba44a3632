import NIOCore
import Synchronization

/// The open connections of a server, bounded in number.
///
/// When the table is full, the connection that has kept the server waiting longest makes room, so a flood of idle
/// connections shuts nobody out. Only if the server works for every connection is a new one refused.
///
/// An example with 4096 connections: an attacker opens all of them and sends nothing. A reader connects as the 4097th.
/// The attacker's oldest connection closes, and the reader gets its feed. A connection whose request the server is
/// answering does not have to make room.
final class ConnectionTable: Sendable {
    /// A connection in the table.
    final class Entry: Sendable {
        let channel: any Channel
        /// The time since which the server waits for the peer, in nanoseconds of the loop's clock; 0 while the peer
        /// waits for the server.
        let waitsSince: Atomic<UInt64>
        /// Whether the connection was told to make room.
        let isLeaving = Atomic(false)

        init(_ channel: any Channel, now: NIODeadline) {
            self.channel = channel
            waitsSince = Atomic(now.uptimeNanoseconds)
        }
    }

    /// The event that tells a connection to make room.
    struct MakeRoom: Sendable {}

    private let most: Int
    /// The number of connections that may be open above the limit until those that make room have closed.
    private static let slack = 32
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(most: Int) { self.most = most }

    var count: Int { entries.withLock { $0.count } }

    /// Admits a connection. Returns false if there is no room and none can be made, because the server works for every
    /// connection.
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

    /// Removes a connection that has closed.
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
