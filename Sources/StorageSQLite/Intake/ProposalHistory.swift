import Bulletins
import GRDB
import Storage

/// Reads how answers moved a proposal (`AnswerRule`), as of the time at which each came, so that a mail says the same at
/// every attempt.
enum ProposalHistory {
    /// The move that an answer made; nil if it is no answer, or moved nothing.
    static func change(by stored: StoredBulletin, _ bulletin: Bulletin, _ db: Database) throws -> ProposalChange? {
        guard let proposal = bulletin.inReplyTo, AnswerRule.moves(bulletin) else { return nil }
        let former =
            try lastAnswer(to: proposal, before: stored, db) ?? proposed(proposal, before: stored, db)
        return AnswerRule.change(by: bulletin, from: former)
    }

    /// The state to which the last public answer moved a proposal.
    static func lastAnswer(to proposal: BulletinID, _ db: Database) throws -> Bulletin.Proposal? {
        try db.row(
            """
            SELECT \(StoredBulletin.columns) FROM bulletins b WHERE b.in_reply_to = ? AND b.kind = 1
                AND b.state IN (\(AnswerRule.movingStates.sql)) ORDER BY b.id DESC LIMIT 1
            """, [proposal.description])?.storedBulletin().bulletin().proposal
    }

    private static func lastAnswer(to proposal: BulletinID, before stored: StoredBulletin, _ db: Database) throws
        -> Bulletin.Proposal?
    {
        try db.row(
            """
            SELECT \(StoredBulletin.columns) FROM bulletins b
            WHERE b.in_reply_to = ?1 AND b.id < ?2 AND b.kind = 1 AND NOT b.is_withdrawal
                AND b.state NOT IN (\(AnswerRule.unseenStates.sql))
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
