/// What the relay said of one recipient.
public enum SMTPRecipientOutcome: Sendable, Hashable {
    /// The relay answers for the message now (RFC 5321 section 6.1); its last reply.
    case accepted(SMTPReply)
    /// Refused, at RCPT, at DATA or after the content; 4yz may be tried again, 5yz not.
    case refused(SMTPReply)
    /// Refused with words about this client rather than the recipient; whether the relay serves others is not known
    /// yet. To be asked for again, whatever the reply's class.
    case doubtful(SMTPReply)
}
