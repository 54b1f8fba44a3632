/// The sent messages that await their confirm, by sequence number. Client and broker count these numbers independently,
/// from 1 for the first message of a channel.
struct ConfirmWindow: Sendable {
    struct Entry: Sendable {
        let batch: UInt64
        let index: Int
        let message: OutgoingMessage
        var returned: PublishOutcome?
    }

    /// Entry `i` has the sequence number `base + i`. It is nil once settled.
    private var entries: [Entry?] = []
    private var base: UInt64 = 1
    private var firstOpen = 0
    /// The number of messages that await their confirm.
    private(set) var count = 0

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        count += 1
    }

    /// Removes and returns the messages that a confirm settles, in order.
    mutating func settle(tag: UInt64, multiple: Bool) -> [Entry] {
        guard tag >= base, tag - base < UInt64(entries.count) else { return [] }
        let last = Int(tag - base)
        var settled: [Entry] = []
        for index in (multiple ? min(firstOpen, last) : last)...last {
            if let entry = entries[index] { settled.append(entry) }
            entries[index] = nil
        }
        count -= settled.count
        trim()
        return settled
    }

    /// Marks the message that the broker returned.
    ///
    /// `basic.return` carries no sequence number. Returns arrive in the order of the messages and before their
    /// confirms, so a return belongs to the first open message with the same content.
    mutating func markReturned(as outcome: PublishOutcome, where matches: (OutgoingMessage) -> Bool) {
        for index in firstOpen..<entries.count {
            guard let entry = entries[index], entry.returned == nil, matches(entry.message)
            else { continue }
            entries[index]?.returned = outcome
            return
        }
    }

    /// Drops the settled entries at the front. Removing them moves the rest, so it is done once per 1024 entries.
    private mutating func trim() {
        while firstOpen < entries.count, entries[firstOpen] == nil { firstOpen += 1 }
        guard firstOpen == entries.count || firstOpen >= 1024 else { return }
        entries.removeFirst(firstOpen)
        base += UInt64(firstOpen)
        firstOpen = 0
    }
}
