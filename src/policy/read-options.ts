/** What decides, beside the text itself, whether a document is accepted. */
export interface ReadOptions {
  /**
   * Selectors on what an AWS account sets for itself (`aws.tag.*`, `aws.iam-role`,
   * `aws.security-group`, `aws.asg`) count without naming `aws.account`: true where every bound
   * account says `tags: trusted`. Default false.
   */
  readonly tagsTrusted?: boolean
}
