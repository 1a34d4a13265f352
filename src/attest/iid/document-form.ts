/** How the known fields of an instance identity document look. Regions are pinned by the same form. */
export interface FieldForm {
  readonly pattern: RegExp
  readonly expected: string
}

const id = (prefix: string): FieldForm => ({
  pattern: new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`),
  expected: `${prefix}- and 8 or 17 hex digits`,
})

/** `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`. */
export const regionForm: FieldForm = {
  pattern: /^(?=.{4,32}$)[a-z]{2,8}(?:-[a-z]{2,16})+-[0-9]{1,2}$/,
  expected: 'a region such as us-east-1',
}

export const accountForm: FieldForm = { pattern: /^[0-9]{12}$/, expected: '12 digits' }
export const instanceForm: FieldForm = id('i')
export const imageForm: FieldForm = id('ami')
export const kernelForm: FieldForm = id('aki')
export const ramdiskForm: FieldForm = id('ari')

/** Local and wavelength zones too: `us-west-2-lax-1a`, `us-east-1-wl1-bos-wlz-1`. */
export const zoneForm: FieldForm = {
  pattern: /^[a-z][a-z0-9-]{2,62}[a-z0-9]$/,
  expected: 'an availability zone such as us-east-1a',
}

export const instanceTypeForm: FieldForm = {
  pattern: /^(?=.{4,64}$)[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
  expected: 'an instance type such as t4g.small',
}

export const architectureForm: FieldForm = {
  pattern: /^[a-z0-9_]{1,32}$/,
  expected: 'an architecture such as x86_64',
}

export const versionForm: FieldForm = {
  pattern: /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/,
  expected: 'a version such as 2017-09-30',
}

export const productForm: FieldForm = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  expected: 'a product code',
}
