import Bulletins
import GRDB
import Storage

/// How answers moved a proposal's state, as of when each came, so that it reads the same at every attempt.
enum ProposalHistory {
    /// What an answer changed; nil if it is none, or left the proposal where it stood.
    static func change(by stored: StoredBulletin, _ bulletin: Bulletin, _ db: Database) throws -> ProposalChange? {
        guard let proposal = bulletin.inReplyTo, bulletin.kind == .announcement, bulletin.status == .published,
            let to = bulletin.proposal
        else { return nil }
        guard let from = try lastAnswer(to: proposal, before: stored, db) ?? proposed(proposal, before: stored, db),
            from.state != to.state || from.stage != to.stage
        else { return nil }
        return ProposalChange(proposal: proposal, from: from, to: to)
    }

    /// By the last answer that was public then: not one that was taken back before.
    private static func lastAnswer(to proposal: BulletinID, before stored: StoredBulletin, _ db: Database) throws
        -> Bulletin.Proposal?
    {
        try db.row(
            """
            SELECT \(StoredBulletin.columns) FROM bulletins b
            WHERE b.in_reply_to = ?1 AND b.id < ?2 AND b.kind = 1 AND NOT b.is_withdrawal
                AND b.state NOT IN ('held', 'scheduled', 'rejected')
                AND NOT EXISTS (SELECT 1 FROM bulletins w WHERE w.publisher = b.publisher AND w.name = b.name
                    AND w.is_withdrawal AND w.state = 'withdrawn' AND w.id < ?2)
            ORDER BY b.id DESC LIMIT 1
            """, [proposal.description, stored.number])?.storedBulletin().bulletin().proposal
    }

    private static func proposed(_ proposal: BulletinID, before stored: StoredBulletin, _ db: Database) throws
        -> Bulletin.Proposal?
    {
        try db.row(
            """
            SELECT \(StoredBulletin.columns) FROM bulletins b
            WHERE b.publisher = ? AND b.name = ? AND b.id < ? ORDER BY b.id DESC LIMIT 1
            """, [proposal.publisher, proposal.id, stored.number])?.storedBulletin().bulletin().proposal
    }
}
