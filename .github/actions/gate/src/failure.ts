// SPDX-License-Identifier: Apache-2.0

/** What went wrong, in the words that the user of the action reads. Whatever it is, the step fails. */
export class Failure extends Error {
  /**
   * @param found what was found
   * @param required what is required instead, or how to mend it
   */
  constructor(found: string, required = '') {
    super(required === '' ? found : `${found}. ${required}`)
    this.name = 'Failure'
  }
}
