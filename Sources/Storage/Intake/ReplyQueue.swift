/// Which queues a message may name in `reply_to`. The answer goes there with this program's rights, so a name must not
/// lead past those of the user that sent the message.
package enum ReplyQueue {
    /// Queues that the broker names, which nobody guesses, and those that begin with `receipts.USER`.
    package static func isOpen(_ queue: String, to user: String?) -> Bool {
        if queue.hasPrefix("amq.gen-") { return true }
        guard let user, !user.isEmpty else { return false }
        let own = "receipts.\(user)"
        return queue == own || queue.hasPrefix(own + ".")
    }

    /// Users whose own queues this would be as well, if there are such: of `receipts.desa.35.07`, `desa.35.07` beside
    /// `desa.35`.
    package static func otherOwners(of queue: String, than user: String?) -> [String] {
        guard let user, queue.hasPrefix("receipts.\(user).") else { return [] }
        var name = user
        return queue.dropFirst("receipts.\(user).".count).split(separator: ".", omittingEmptySubsequences: false).map {
            name += ".\($0)"
            return name
        }
    }
}
