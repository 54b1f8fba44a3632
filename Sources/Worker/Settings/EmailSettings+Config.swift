import NIOCore
import Addresses
package import DeliveryEngine
package import Email
package import SMTP

extension SettingKey {
    static let smtpURL = SettingKey(
        "smtp.url",
        .secretURL(
            form: "`smtp://USER:PASSWORD@HOST:PORT?starttls=...` or `smtps://...`, several by commas", isList: true),
        """
        The relays, in the order in which they are tried. The query takes starttls=required, opportunistic or off; \
        auth=plain, login, xoauth2 or scram-sha-256 instead of the best that the relay offers; and cacertfile=PATH. \
        Without a relay, mail goes into mail.folder.
        """)
    static let smtpPassword = SettingKey(
        "smtp.password", .secret(form: "text"), "The password for relays whose URL has a user and no password.")
    static let smtpConnections = SettingKey(
        "smtp.connections", .integer(8, 1...256, unit: "connections"), "The number of connections to each relay.")
    static let smtpTimeout = SettingKey(
        "smtp.timeout", .integer(60, 1...3600, unit: "seconds"), "The longest wait for a reply of a relay.")
    static let smtpDataTimeout = SettingKey(
        "smtp.dataTimeout", .integer(600, 1...3600, unit: "seconds"),
        """
        The longest wait for the content and the reply to it. A relay that is given up at that point may have taken \
        the mail.
        """)
    static let smtpTotalTimeout = SettingKey(
        "smtp.totalTimeout", .integer(900, 1...7200, unit: "seconds"), "The longest time for a mail as a whole.")
    static let smtpRate = SettingKey(
        "smtp.rate", .integer(0, 0...100_000, unit: "mails per second"), "The highest rate of mails; 0 for no limit.")
    static let smtpRetry = SettingKey(
        "smtp.retry", .list(RetrySchedule.usual, form: "at most 100 pauses of 0 to 604,800 seconds"),
        """
        The pauses between attempts. Each is lengthened by up to a tenth. After the last attempt the delivery has failed.
        """)
    static let mailFrom = SettingKey(
        "mail.from", .text("kentongan@localhost", form: "an address; at most 26 bytes before the @"),
        "The sender of mails. Return paths are made of it.")
    static let mailFromName = SettingKey(
        "mail.fromName", .text(Settings.Email.ownName, form: "text"),
        "The sender's name. With the default, a bulletin's mail carries the name of its publisher.")
    static let mailVERP = SettingKey(
        "mail.verp", .flag(true),
        """
        Whether each mail has a return path of its own, FROM+b12-... Set false for a relay that takes no sender but \
        mail.from: bounces then go to mail.from and are recognised by a header of the returned mail.
        """)
    static let mailUnsubscribe = SettingKey(
        "mail.unsubscribe", .text(form: "an address that `kentongan bounce` or mail.bounces.listen takes"),
        "The address for List-Unsubscribe, beside the link. A mail to it unsubscribes. Empty: the link alone.")
    static let mailDKIM = SettingKey(
        "mail.dkim", .list(form: "`SELECTOR:FILE`, a private key in PEM, RSA or Ed25519"),
        "The keys that sign mails; each adds a signature. A signature by RSA takes about 0.4 ms.")
    static let mailBouncesListen = SettingKey(
        "mail.bounces.listen", .text(form: "HOST:PORT"),
        """
        The address where a mail server hands over bounces by LMTP, such as 127.0.0.1:8024. The other way is a pipe to \
        `kentongan bounce`.
        """)
    static let mailFolder = SettingKey(
        "mail.folder", .text("var/mail", form: "a folder"), "The Maildir that takes mails where no smtp.url is set.")

    static let email = [
        smtpURL, smtpPassword, smtpConnections, smtpTimeout, smtpDataTimeout, smtpTotalTimeout, smtpRate, smtpRetry,
        mailFrom, mailFromName, mailVERP, mailUnsubscribe, mailDKIM, mailBouncesListen, mailFolder,
    ]
}

extension Settings {
    /// The settings of the email channel.
    package struct Email: Sendable {
        /// The relays in the order in which they are tried. Without any, mail goes into `folder`.
        package var relays: [SMTPSettings]
        /// The highest rate in mails per second; 0 for no limit.
        package var rate: Int
        package var retry: RetrySchedule
        package var from: String
        package var fromName: String
        /// Whether each mail has a return path of its own (VERP).
        package var variesReturnPaths: Bool
        /// The address that takes mails which unsubscribe; nil for none.
        package var unsubscribeAddress: String?
        package var keys: [DKIMKey]
        /// The address where bounces arrive by LMTP; nil for none.
        package var bounces: ListenAddress?
        package var folder: String

        /// The sender's name where none is set; bulletins then carry the names of their publishers.
        static let ownName = "Kentongan"

        init(_ reader: SettingsReader) {
            relays = reader.value([]) { () throws(ConfigurationError) in try Self.relays(reader) }
            rate = reader.integer(.smtpRate)
            retry = reader.schedule(.smtpRetry)
            from = reader.value("") { () throws(ConfigurationError) in try Self.from(reader) }
            fromName = reader.text(.mailFromName)
            variesReturnPaths = reader.flag(.mailVERP)
            unsubscribeAddress = reader.mailbox(.mailUnsubscribe)
            keys = reader.value([]) { () throws(ConfigurationError) in try Self.keys(reader) }
            bounces = reader.address(.mailBouncesListen)
            folder = reader.text(.mailFolder)
        }

        /// The mailboxes that `bounce` and LMTP take mails for.
        package var intakeMailboxes: BounceIntake.Mailboxes {
            BounceIntake.Mailboxes(from: from, variesReturnPaths: variesReturnPaths, unsubscribe: unsubscribeAddress)
        }

        private static func relays(_ reader: SettingsReader) throws(ConfigurationError) -> [SMTPSettings] {
            var relays: [SMTPSettings] = []
            for url in urls(reader.list(.smtpURL)) {
                do throws(SMTPError) {
                    relays.append(try SMTPSettings(url: url))
                } catch {
                    throw .badValue(key: "smtp.url", reason: "\(error)")
                }
            }
            // Read once, and also without a relay: a bad value is told at the start, and once.
            let (connections, timeout) = (reader.integer(.smtpConnections), reader.integer(.smtpTimeout))
            let (dataTimeout, totalTimeout) = (reader.integer(.smtpDataTimeout), reader.integer(.smtpTotalTimeout))
            for index in relays.indices {
                // A password in a URL applies to that relay only.
                if relays[index].password == nil { relays[index].password = reader.string(.smtpPassword) }
                relays[index].maximumConnections = connections
                relays[index].connectTimeout = .seconds(Int64(min(timeout, 10)))
                relays[index].commandTimeout = .seconds(Int64(timeout))
                relays[index].dataTimeout = .seconds(Int64(dataTimeout))
                relays[index].totalTimeout = .seconds(Int64(totalTimeout))
            }
            return relays
        }

        /// Joins items that are parts of one URL. A comma may be part of a password, so a new URL begins only where an
        /// item starts like one.
        private static func urls(_ items: [String]) -> [String] {
            items.reduce(into: []) { urls, item in
                let isURL = item.lowercased().hasPrefix("smtp://") || item.lowercased().hasPrefix("smtps://")
                if isURL || urls.isEmpty { urls.append(item) } else { urls[urls.count - 1] += "," + item }
            }
        }

        private static func from(_ reader: SettingsReader) throws(ConfigurationError) -> String {
            let text = reader.text(.mailFrom)
            let address = try SettingsReader.mailbox(
                text, .mailFrom, scope: text.hasSuffix("@localhost") ? .anyHost : .internet)
            guard address.prefix(while: { $0 != "@" }).utf8.count <= BounceAddress.longestLocalPart else {
                throw .badValue(
                    key: "mail.from",
                    reason:
                        "what stands before the @ of \(address) must be \(BounceAddress.longestLocalPart) bytes at most, as return paths are made of it"
                )
            }
            return address
        }

        /// Reads the keys, each given as `SELECTOR:FILE`. A file that others may read is refused.
        private static func keys(_ reader: SettingsReader) throws(ConfigurationError) -> [DKIMKey] {
            var keys: [DKIMKey] = []
            for item in reader.list(.mailDKIM) {
                let parts = item.split(separator: ":", maxSplits: 1).map(String.init)
                guard parts.count == 2 else {
                    throw .badValue(key: "mail.dkim", reason: "\(item) is not SELECTOR:FILE")
                }
                let pem = try SettingsReader.secretFile(parts[1], named: "mail.dkim")
                do {
                    keys.append(try DKIMKey(selector: parts[0], pem: pem))
                } catch {
                    throw .badValue(key: "mail.dkim", reason: "\(item): \(error)")
                }
            }
            return keys
        }
    }
}
