/// The bulletins that a bulletin follows: its own earlier revisions, and the proposal that it answers unless it withdraws
/// the answer. To one endpoint, a thread is sent in order.
enum BulletinThread {
    /// Whether the endpoint of a delivery got it or may have got it: it is being sent, its worker died during the attempt, or
    /// it was delivered before an operator had it tried again.
    static func isHeard(_ delivery: String) -> String {
        """
        (\(delivery).state IN ('sending', 'delivered', 'bounced') OR \(delivery).is_perhaps_got)
        """
    }

    /// Whether a delivery is being sent, or will be sent by itself and not in a digest.
    static let isUnfinished = "(p.state = 'sending' OR p.state = 'pending' AND p.digest_at IS NULL)"

    /// The latest earlier delivery `p` of the thread to the endpoint of the row `deliveries` for which the condition
    /// holds, or NULL.
    static func latest(where condition: String) -> String {
        """
        nullif(max(
            coalesce((SELECT max(p.id) FROM bulletins w
                JOIN bulletins b ON b.publisher = w.publisher AND b.name = w.name AND b.revision < w.revision
                JOIN deliveries p ON p.bulletin = b.id AND p.endpoint = deliveries.endpoint
                WHERE w.id = deliveries.bulletin AND \(condition)), 0),
            coalesce((SELECT max(p.id) FROM bulletins w
                JOIN bulletins b ON b.publisher = substr(w.in_reply_to, 1, instr(w.in_reply_to, '/') - 1)
                    AND b.name = substr(w.in_reply_to, instr(w.in_reply_to, '/') + 1) AND b.id < w.id AND b.kind = 2
                JOIN deliveries p ON p.bulletin = b.id AND p.endpoint = deliveries.endpoint
                WHERE w.id = deliveries.bulletin AND NOT w.is_withdrawal AND \(condition)), 0)), 0)
        """
    }

    /// Whether the bulletin of the row `deliveries` is meant for its endpoint independently of its thread: a subscription
    /// matches, or the bulletin answers the endpoint's owner.
    static let isMeant = """
        EXISTS (SELECT 1 FROM bulletins w CROSS JOIN payloads p ON p.bulletin = w.id CROSS JOIN json_each(p.targets) AS leg
                CROSS JOIN subscriptions AS s INDEXED BY subscriptions_identity
                    ON s.endpoint = deliveries.endpoint AND s.state <> 'ended' AND s.state = 'active'
            WHERE w.id = deliveries.bulletin AND NOT w.is_withdrawal AND s.field = leg.value ->> 0
                AND s.region BETWEEN leg.value ->> 1 AND leg.value ->> 2
                AND s.reach & (leg.value ->> 3) AND s.kinds & w.kind AND s.urgency <= w.urgency)
            OR EXISTS (SELECT 1 FROM bulletins w JOIN endpoints e ON e.id = deliveries.endpoint
                    JOIN subscribers o ON o.id = e.subscriber
                WHERE w.id = deliveries.bulletin AND NOT w.is_withdrawal
                    AND o.owner = substr(w.in_reply_to, 1, instr(w.in_reply_to, '/') - 1))
        """

    /// Whether a later revision of the bulletin `b` is public.
    static let isOvertaken = """
        EXISTS (SELECT 1 FROM bulletins n WHERE n.publisher = b.publisher AND n.name = b.name AND n.revision > b.revision
            AND n.state IN ('published', 'withdrawn', 'expired'))
        """
}
